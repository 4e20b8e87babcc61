package upstream_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
)

// constantCodec is the least that a client can do: it sends what never changes and forgets what it receives.
type constantCodec struct{}

var constantRequest = mem.BufferSlice{mem.SliceBuffer(make([]byte, 64))}

func (constantCodec) Name() string                         { return "proto" }
func (constantCodec) Marshal(any) (mem.BufferSlice, error) { return constantRequest, nil }
func (constantCodec) Unmarshal(mem.BufferSlice, any) error { return nil }

// BenchmarkCall compares a call with the floor, that of grpc-go with a codec that does nothing.
func BenchmarkCall(b *testing.B) {
	reply := make([]byte, 2<<10)
	address := serve(b, func(context.Context, string, []byte) ([]byte, error) { return reply, nil })
	ctx, cancel := context.WithTimeout(b.Context(), 10*patience)
	defer cancel()
	const method = "/user.v1.UserService/GetUser"

	b.Run("upstream", func(b *testing.B) {
		u := open(b, static(address))
		request := make([]byte, 64)
		b.ReportAllocs()
		for b.Loop() {
			reply, err := u.Call(ctx, method, request)
			if err != nil {
				b.Fatal(err)
			}
			reply.Free()
		}
	})
	b.Run("floor", func(b *testing.B) {
		conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.ForceCodecV2(constantCodec{})))
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		var message struct{} // grpc-go does not ask the codec about nil
		b.ReportAllocs()
		for b.Loop() {
			if err := conn.Invoke(ctx, method, &message, &message); err != nil {
				b.Fatal(err)
			}
		}
	})
}
