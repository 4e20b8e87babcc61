package server

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"facet/internal/gateway"
)

// A frame is a byte of flags, the length of what follows in four bytes, big endian, and a message or a trailer.
const (
	frameHead      = 5
	flagCompressed = 0x01
	flagTrailer    = 0x80
)

// frameReader reads the one message of a request.
type frameReader struct {
	body     io.Reader
	encoding string // as the header `grpc-encoding` names it
	text     textReader
	head     [frameHead]byte
	message  []byte // as it came
	inflated bytes.Buffer
}

// open makes it read a body.
func (f *frameReader) open(body io.Reader, text bool, encoding string) {
	f.body, f.encoding = body, encoding
	if text {
		f.text = textReader{from: body}
		f.body = &f.text
	}
}

// close lets go of the body.
func (f *frameReader) close() {
	f.body, f.text.from = nil, nil
	f.message = f.message[:0]
	if f.inflated.Reset(); f.inflated.Cap() > maxKept {
		f.inflated = bytes.Buffer{}
	}
}

// one reads the message and that there is no other. It implements gateway.Call.ReadBody.
func (f *frameReader) one(limit int) ([]byte, error) {
	switch _, err := io.ReadFull(f.body, f.head[:]); {
	case errors.Is(err, io.EOF):
		return nil, errNoMessage
	case err != nil:
		return nil, gateway.BodyNotRead(err)
	}
	flags, size := f.head[0], binary.BigEndian.Uint32(f.head[1:])
	if flags&^flagCompressed != 0 {
		return nil, status.Errorf(codes.Internal, "the request has a frame of unknown flags %#02x", flags)
	}
	if int64(size) > int64(limit) {
		return nil, gateway.BodyTooLarge(limit)
	}
	if err := f.read(int(size)); err != nil {
		return nil, gateway.BodyNotRead(err)
	}
	switch _, err := io.ReadFull(f.body, f.head[:1]); {
	case err == nil:
		return nil, errSeveralMessages
	case !errors.Is(err, io.EOF):
		return nil, gateway.BodyNotRead(err)
	}
	if flags&flagCompressed != 0 {
		return f.inflate(limit)
	}
	return f.message, nil
}

// read reads so many bytes into the message. It trusts the size only as far as bytes arrive.
func (f *frameReader) read(size int) error {
	const step = 64 << 10
	f.message = f.message[:0]
	for len(f.message) < size {
		start, n := len(f.message), min(step, size-len(f.message))
		f.message = slices.Grow(f.message, n)[:start+n]
		if _, err := io.ReadFull(f.body, f.message[start:]); err != nil {
			return noEOF(err)
		}
	}
	return nil
}

// noEOF makes the end of the body within a frame an error.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// inflate decompresses the message, as far as the limit.
func (f *frameReader) inflate(limit int) ([]byte, error) {
	switch f.encoding {
	case "gzip":
	case "", "identity":
		return nil, status.Error(codes.Internal, "the request has a compressed message, but no grpc-encoding")
	default:
		return nil, status.Errorf(codes.Unimplemented, "grpc-encoding %q is not supported; want gzip or identity", f.encoding)
	}
	f.inflated.Reset()
	switch err := inflate(&f.inflated, bytes.NewReader(f.message), limit); {
	case err != nil:
		return nil, status.Errorf(codes.Internal, "the request's message cannot be decompressed: %v", err)
	case f.inflated.Len() > limit:
		return nil, gateway.BodyTooLarge(limit)
	}
	return f.inflated.Bytes(), nil
}

// textReader decodes base64 that may be padded anywhere between groups of four characters: a client may encode
// each piece of a body by itself.
type textReader struct {
	from    io.Reader
	group   [4]byte
	decoded [3]byte
	rest    []byte // of decoded
	chunk   [512]byte
	pending []byte // of chunk, not decoded yet
}

// Read implements io.Reader.
func (t *textReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(t.rest) == 0 {
			if err := t.next(); err != nil {
				return n, err
			}
		}
		m := copy(p[n:], t.rest)
		t.rest = t.rest[m:]
		n += m
	}
	return n, nil
}

// next decodes one group.
func (t *textReader) next() error {
	for i := range t.group {
		if len(t.pending) == 0 {
			n, err := t.from.Read(t.chunk[:])
			if n == 0 && err != nil {
				if i > 0 {
					return noEOF(err)
				}
				return err
			}
			t.pending = t.chunk[:n]
		}
		if len(t.pending) == 0 {
			return io.ErrNoProgress
		}
		t.group[i] = t.pending[0]
		t.pending = t.pending[1:]
	}
	n, err := base64.StdEncoding.Decode(t.decoded[:], t.group[:])
	t.rest = t.decoded[:n]
	return err
}
