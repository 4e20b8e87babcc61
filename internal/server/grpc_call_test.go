package server_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"facet/internal/server"
)

// outcome is what a client of gRPC sees of a call.
type outcome struct {
	messages        []string
	header, trailer metadata.MD
	err             error
}

// invoke makes a call as a stream, whatever the method is.
func (s *shop) invoke(t *testing.T, method string, options ...grpc.CallOption) (o outcome) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	options = append(options, grpc.ForceCodecV2(bytesCodec{}), grpc.Header(&o.header), grpc.Trailer(&o.trailer))
	stream, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/"+method, options...)
	if err != nil {
		t.Fatal(err)
	}
	request := []byte("\x0a\x011")
	if err := stream.SendMsg(&request); err != nil {
		t.Fatal(err)
	}
	_ = stream.CloseSend() // RecvMsg tells why
	for {
		var message []byte
		if o.err = stream.RecvMsg(&message); o.err != nil {
			if errors.Is(o.err, io.EOF) {
				o.err = nil
			}
			return o
		}
		o.messages = append(o.messages, string(message))
	}
}

// compression counts, at the client, the messages that came compressed.
type compression struct {
	compressed, all int
}

func (*compression) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

func (*compression) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }

func (*compression) HandleConn(context.Context, stats.ConnStats) {}

func (c *compression) HandleRPC(_ context.Context, s stats.RPCStats) {
	if in, ok := s.(*stats.InPayload); ok {
		c.all++
		if in.CompressedLength < in.Length {
			c.compressed++
		}
	}
}

// A reply is compressed if the request was, and told to be partial in the header, or later if it has begun.
func TestRepliesOverGRPC(t *testing.T) {
	s := startShop(t)
	long := "\x0a\xac\x02" + strings.Repeat("x", 300)
	failing := status.Error(codes.Unavailable, "down")
	for name, test := range map[string]struct {
		method   string
		fails    error // at once for a unary method, after the messages for a stream
		messages int
		code     codes.Code
		partial  string // in the header
	}{
		"unary":           {"shop.v1.Stock/Get", nil, 1, codes.OK, ""},
		"unary, error":    {"shop.v1.Stock/Get", failing, 0, codes.Unavailable, ""},
		"planned":         {"shop.v1.Shop/Required", nil, 1, codes.OK, ""},
		"planned, error":  {"shop.v1.Shop/Required", failing, 0, codes.Unavailable, ""},
		"planned, partly": {"shop.v1.Shop/Fallback", failing, 1, codes.OK, "item;reason=UNAVAILABLE;fallback"},
		"stream":          {"shop.v1.Stock/Watch", nil, 2, codes.OK, ""},
		"stream, error":   {"shop.v1.Stock/Watch", failing, 2, codes.Unavailable, ""},
	} {
		s.stock.set(func(context.Context, []byte) ([]byte, error) { return []byte(long), test.fails })
		s.stock.setStream(func(_ context.Context, _ []byte, send func(string) error) error {
			for range 2 {
				if err := send(long); err != nil {
					return err
				}
			}
			return test.fails
		})
		for _, compress := range []bool{false, true} {
			var options []grpc.CallOption
			if compress {
				options = append(options, grpc.UseCompressor(gzip.Name))
			}
			counted := s.counted
			before := *counted
			got := s.invoke(t, test.method, options...)
			if status.Code(got.err) != test.code || len(got.messages) != test.messages {
				t.Errorf("%s, gzip %t: got %d messages and %v, want %d and %s", name, compress, len(got.messages), got.err, test.messages, test.code)
			}
			if partial := strings.Join(got.header["x-facet-partial"], ""); partial != test.partial {
				t.Errorf("%s, gzip %t: got partial %q, want %q", name, compress, partial, test.partial)
			}
			want := 0
			if compress && test.messages > 0 && test.partial == "" { // the fallback is too short to become less
				want = test.messages
			}
			if n := counted.compressed - before.compressed; n != want {
				t.Errorf("%s, gzip %t: %d of %d messages came compressed, want %d", name, compress, n, counted.all-before.all, want)
			}
		}
	}
}

// A client that begins a request and does not end it is not waited for for ever.
func TestRequestThatDoesNotEnd(t *testing.T) {
	s := startShop(t)
	front := server.NewGRPC(server.GRPCSettings{Addr: "127.0.0.1:0", ReadTimeout: 50 * time.Millisecond}, s.gateway, s.holder)
	endpoint, err := front.Endpoint()
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = front.Start(context.Background()) }()
	t.Cleanup(front.Server.Server.Stop)
	conn, err := grpc.NewClient(endpoint.Host, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	for method, answered := range map[string]bool{ // after a message, though the request has not ended
		"/shop.v1.Stock/Get": false, "/shop.v1.Stock/Watch": false,
		"/grpc.health.v1.Health/Check": true, "/grpc.health.v1.Health/Watch": true,
		"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo": true,
	} {
		for _, messages := range []int{0, 1} {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method, grpc.ForceCodecV2(bytesCodec{}))
			if err != nil {
				t.Fatal(err)
			}
			for range messages {
				if err := stream.SendMsg(&[]byte{}); err != nil {
					t.Fatal(err)
				}
			}
			var reply []byte
			err = stream.RecvMsg(&reply)
			if messages > 0 && answered {
				if err != nil {
					t.Errorf("%s: got %v", method, err)
				}
				cancel()
				continue
			}
			if status.Code(err) != codes.DeadlineExceeded {
				t.Errorf("%s after %d messages: got %v", method, messages, err)
			}
			cancel()
		}
	}
}
