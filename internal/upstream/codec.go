package upstream

import (
	"fmt"
	"sync"

	"google.golang.org/grpc/mem"
)

// exchange is the request and the reply of one call, for grpc-go, which wants both as values of type any.
// grpc-go has forgotten it when Invoke returns, so it is pooled.
type exchange struct {
	request []byte
	reply   mem.Buffer
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// rawCodec moves wire bytes between an exchange and grpc-go without looking at them.
type rawCodec struct{}

// Name implements encoding.CodecV2. It becomes the content-type application/grpc+proto.
func (rawCodec) Name() string { return "proto" }

// Marshal implements encoding.CodecV2. It copies the request into a pooled buffer: a call that ends early, by its
// deadline or because the client left, returns while the request may still be queued for the connection's writer,
// and a transparent retry sends it once more. Handing over the caller's bytes would let the writer send what
// the caller has put in their place. The copy costs no garbage and, for requests of a usual size,
// less than one percent of a call. The slice, too, is the writer's until it is done, and cannot be pooled here.
func (rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	x, ok := v.(*exchange)
	if !ok {
		return nil, fmt.Errorf("a raw call takes wire bytes, not %T", v)
	}
	if len(x.request) == 0 {
		return nil, nil
	}
	return mem.BufferSlice{copyToPool(x.request)}, nil
}

// smallestPooled is the smallest capacity of which mem.NewBuffer makes a counted buffer that returns to its
// pool; below it leaves the bytes to the garbage collector.
const smallestPooled = 4 << 10

// copyToPool returns a counted buffer that holds data.
func copyToPool(data []byte) mem.Buffer {
	pool := mem.DefaultBufferPool()
	buffer := pool.Get(max(len(data), smallestPooled))
	*buffer = (*buffer)[:copy(*buffer, data)]
	return mem.NewBuffer(buffer, pool)
}

// Unmarshal implements encoding.CodecV2. A reply that came in one piece is referenced where it lies; of
// several pieces one pooled buffer is made.
func (rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	x, ok := v.(*exchange)
	if !ok {
		return fmt.Errorf("a raw call returns wire bytes, not %T", v)
	}
	x.reply = data.MaterializeToBuffer(mem.DefaultBufferPool())
	return nil
}
