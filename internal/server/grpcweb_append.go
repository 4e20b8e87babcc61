package server

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"iter"
	"strconv"
	"strings"
	"sync"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// appendMessage appends the frame of a message. As grpc-go does, it leaves an empty one uncompressed.
func appendMessage(to, message []byte, compress bool) ([]byte, error) {
	if !compress || len(message) == 0 {
		to = append(to, 0)
		to = binary.BigEndian.AppendUint32(to, uint32(len(message)))
		return append(to, message...), nil
	}
	start := len(to)
	buffer := bytes.NewBuffer(append(to, flagCompressed, 0, 0, 0, 0))
	writer := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(writer)
	writer.Reset(buffer)
	if _, err := writer.Write(message); err != nil {
		return to, err
	}
	if err := writer.Close(); err != nil {
		return to, err
	}
	to = buffer.Bytes()
	binary.BigEndian.PutUint32(to[start+1:], uint32(len(to)-start-frameHead))
	return to, nil
}

// trailer ranges over the fields that say how a call ended, and which calls are missing unless the header told.
func trailer(s *status.Status, partial string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		if !yield("grpc-status", strconv.Itoa(int(s.Code()))) {
			return
		}
		if message := s.Message(); message != "" && !yield("grpc-message", string(appendPercent(nil, message))) {
			return
		}
		if p := s.Proto(); len(p.GetDetails()) > 0 {
			wire, err := proto.Marshal(p) // it fails if the message is not UTF-8: the client gets the rest
			if err == nil && !yield("grpc-status-details-bin", base64.RawStdEncoding.EncodeToString(wire)) {
				return
			}
		}
		if partial != "" {
			yield("x-facet-partial", partial)
		}
	}
}

// appendTrailer appends fields as the last frame.
func appendTrailer(to []byte, fields iter.Seq2[string, string]) []byte {
	start := len(to)
	to = append(to, flagTrailer, 0, 0, 0, 0)
	for name, value := range fields {
		to = append(to, name...)
		to = append(to, ": "...)
		to = append(to, value...)
		to = append(to, "\r\n"...)
	}
	binary.BigEndian.PutUint32(to[start+1:], uint32(len(to)-start-frameHead))
	return to
}

// appendPercent appends a message as `grpc-message` has it: printable ASCII as it is, every other byte as %XX.
func appendPercent(to []byte, message string) []byte {
	const hex = "0123456789ABCDEF"
	message = strings.ToValidUTF8(message, "�")
	for i := range len(message) {
		if c := message[i]; c < ' ' || c > '~' || c == '%' {
			to = append(to, '%', hex[c>>4], hex[c&0xf])
		} else {
			to = append(to, c)
		}
	}
	return to
}
