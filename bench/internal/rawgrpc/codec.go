// Package rawgrpc moves wire bytes through grpc-go without a look at them.
package rawgrpc

import (
	"fmt"

	"google.golang.org/grpc/mem"
)

// Codec sends []byte, and receives into *[]byte or, to throw a message away, into nil. What is sent must not change
// afterwards.
type Codec struct{}

// Name implements encoding.CodecV2.
func (Codec) Name() string { return "proto" }

// Marshal implements encoding.CodecV2.
func (Codec) Marshal(v any) (mem.BufferSlice, error) {
	data, ok := v.([]byte)
	if !ok {
		return nil, fmt.Errorf("want []byte to send, got %T", v)
	}
	return mem.BufferSlice{mem.SliceBuffer(data)}, nil
}

// Unmarshal implements encoding.CodecV2.
func (Codec) Unmarshal(data mem.BufferSlice, v any) error {
	switch into := v.(type) {
	case nil:
	case *[]byte:
		*into = data.Materialize()
	default:
		return fmt.Errorf("want *[]byte to receive into, got %T", v)
	}
	return nil
}
