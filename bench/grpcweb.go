package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"

	"facet/bench/internal/load"
)

// frameHead is the size of what precedes a message of gRPC-Web: a byte of flags, and the length in four bytes.
const frameHead = 5

// trailerFlag marks the frame that says how the call ended.
const trailerFlag = 0x80

// webRequest returns a call of a method over gRPC-Web.
func webRequest(method string, message []byte) load.Request {
	body := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	const contentType = "application/grpc-web+proto"
	return load.Request{
		Method: http.MethodPost, Path: method, Body: append(body, message...),
		Header: map[string]string{"Content-Type": contentType, "Accept": contentType, "X-Grpc-Web": "1"},
	}
}

// checkWeb wants a message, and a call that ended well.
func checkWeb(reply []byte) error {
	_, rest, err := cutFrame(reply)
	if err != nil {
		return err
	}
	flags, trailer := byte(0), []byte(nil)
	if len(rest) >= frameHead {
		flags, trailer = rest[0], rest[frameHead:]
	}
	if flags != trailerFlag || !isOK(trailer) {
		return fmt.Errorf("the call did not end well: %.300q", rest)
	}
	return nil
}

// cutFrame cuts the first frame, which has to be a message, off a reply.
func cutFrame(reply []byte) (message, rest []byte, err error) {
	if len(reply) < frameHead || reply[0] != 0 {
		return nil, nil, fmt.Errorf("the reply does not begin with a message of gRPC-Web: %.300q", reply)
	}
	length := uint64(binary.BigEndian.Uint32(reply[1:]))
	if rest = reply[frameHead:]; uint64(len(rest)) < length {
		return nil, nil, errors.New("the message is cut off")
	}
	return rest[:length], rest[length:], nil
}

// isOK reports whether a trailer has the status OK.
func isOK(trailer []byte) bool {
	for line := range bytes.Lines(trailer) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("grpc-status")) {
			return string(bytes.TrimSpace(value)) == "0"
		}
	}
	return false
}
