package server

import (
	"bytes"
	"compress/gzip"
	"io"
	"sync"

	"facet/internal/snapshot"
)

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

// inflate decompresses a message, one byte further than the limit at most.
func inflate(to *bytes.Buffer, from io.Reader, limit int) error {
	reader := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(reader)
	if err := reader.Reset(from); err != nil {
		return err
	}
	_, err := io.Copy(to, io.LimitReader(reader, int64(limit)+1))
	return err
}

// inflater decompresses what clients of gRPC send, as far as a message of the live snapshot may be large. Left to
// grpc-go, every message could grow to largestMessage, a thousand times what it is on the wire.
type inflater struct{ snapshots *snapshot.Holder }

// overLimit stands for a message that is over the limit. It is no message of any type.
var overLimit = []byte{0xff}

// isOverLimit tells whether a message is overLimit itself, and not one of the same bytes.
func isOverLimit(message []byte) bool { return len(message) > 0 && &message[0] == &overLimit[0] }

// Type implements grpc.Decompressor.
func (inflater) Type() string { return "gzip" }

// Do implements grpc.Decompressor.
func (i inflater) Do(from io.Reader) ([]byte, error) {
	var message bytes.Buffer
	limit := i.limit()
	if err := inflate(&message, from, limit); err != nil {
		return nil, err
	}
	if message.Len() > limit {
		return overLimit, nil
	}
	return message.Bytes(), nil
}

// limit is that of the live snapshot. Without one there is only health to ask for.
func (i inflater) limit() int {
	snap := i.snapshots.Pin()
	if snap == nil {
		return largestHead
	}
	defer snap.Unpin()
	return int(snap.Limits.GetBodyBytes())
}
