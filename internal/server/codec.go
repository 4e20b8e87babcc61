package server

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
)

// frame is a message as wire bytes.
type frame struct {
	wire      []byte
	overLimit bool // it is larger than may be, and not there
}

// frameCodec passes frames as they are, and leaves other messages to the protobuf codec.
type frameCodec struct{ encoding.CodecV2 }

func (c frameCodec) Marshal(v any) (mem.BufferSlice, error) {
	if f, ok := v.(*frame); ok {
		return mem.BufferSlice{mem.SliceBuffer(f.wire)}, nil
	}
	return c.CodecV2.Marshal(v)
}

func (c frameCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if f, ok := v.(*frame); ok {
		if f.overLimit = len(data) == 1 && isOverLimit(data[0].ReadOnlyData()); !f.overLimit {
			f.wire = data.Materialize()
		}
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}
