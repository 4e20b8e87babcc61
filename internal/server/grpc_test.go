package server_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
)

// messages sends messages on one stream and returns how it ends.
func (s *shop) messages(t *testing.T, method string, requests ...string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stream, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, method, grpc.ForceCodecV2(bytesCodec{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, request := range requests {
		wire := []byte(request)
		if err := stream.SendMsg(&wire); err != nil {
			break // RecvMsg tells why
		}
	}
	_ = stream.CloseSend()
	var reply []byte
	return stream.RecvMsg(&reply)
}

func TestRequestsOverGRPC(t *testing.T) {
	s := startShop(t)
	s.stock.set(item)
	const method = "/shop.v1.Shop/Required"
	for name, test := range map[string]struct {
		method   string
		requests []string
		code     codes.Code
	}{
		"one message":       {method, []string{"\x0a\x011"}, codes.OK},
		"an empty message":  {method, []string{""}, codes.OK},
		"no message":        {method, nil, codes.Unimplemented},
		"two messages":      {method, []string{"", ""}, codes.Unimplemented},
		"too large":         {method, []string{"\x0a\x80\x80\x80\x02" + strings.Repeat("x", 4<<20)}, codes.ResourceExhausted},
		"malformed":         {method, []string{"\x0a\x05a"}, codes.InvalidArgument},
		"malformed, passed": {"/shop.v1.Stock/Get", []string{"\x0a\x05a"}, codes.OK}, // the upstream's to judge
		"not served":        {"/shop.v1.Stock/List", []string{""}, codes.Unimplemented},
		"no such method":    {"/shop.v1.Shop/Nothing", []string{""}, codes.Unimplemented},
		"no such service":   {"/a.B/C", []string{""}, codes.Unimplemented},
		"a strange path":    {"/shop.v1.Shop/Required/", []string{""}, codes.Unimplemented},

		"health":         {"/grpc.health.v1.Health/Check", []string{""}, codes.OK},
		"channelz":       {"/grpc.channelz.v1.Channelz/GetServers", []string{""}, codes.Unimplemented},
		"CSDS":           {"/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus", []string{""}, codes.Unimplemented},
		"CSDS stream":    {"/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus", []string{""}, codes.Unimplemented},
		"metadata":       {"/kratos.api.Metadata/ListServices", []string{""}, codes.Unimplemented},
		"descriptors":    {"/kratos.api.Metadata/GetServiceDesc", []string{""}, codes.Unimplemented},
		"reflection":     {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", []string{""}, codes.OK},
		"reflection old": {"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", []string{""}, codes.OK},
	} {
		if err := s.messages(t, test.method, test.requests...); status.Code(err) != test.code {
			t.Errorf("%s: got %v, want %s", name, err, test.code)
		}
	}
}

// A compressed message is as large as what it is compressed from.
func TestCompressedRequests(t *testing.T) {
	s := startShop(t)
	s.stock.set(item)
	for size, want := range map[int]codes.Code{1 << 20: codes.OK, 5 << 20: codes.ResourceExhausted, 80 << 20: codes.ResourceExhausted} {
		request := make([]byte, 0, size)
		request = protowire.AppendBytes(protowire.AppendTag(request, 1, protowire.BytesType), make([]byte, size-10))
		var reply []byte
		err := s.conn.Invoke(t.Context(), "/shop.v1.Stock/Get", &request, &reply, grpc.ForceCodecV2(bytesCodec{}), grpc.UseCompressor(gzip.Name))
		if status.Code(err) != want || want != codes.OK && !strings.Contains(err.Error(), "larger than 4194304 bytes") {
			t.Errorf("%d bytes: got %v, want %s", size, err, want)
		}
	}
}

func TestSelectionOverGRPC(t *testing.T) {
	s := startShop(t)
	s.stock.set(item)
	for selection, want := range map[string]string{
		"":                 "\x0a\x011\x12\x06\x0a\x01a\x12\x01b\x1a\x01b\x22\x02b!",
		"*":                "\x0a\x011\x12\x06\x0a\x01a\x12\x01b\x1a\x01b\x22\x02b!",
		"item.title":       "\x12\x03\x12\x01b",
		"item.byName.a.id": "\x12\x00",
		"()":               "",
	} {
		ctx := metadata.AppendToOutgoingContext(t.Context(), "x-select", selection)
		if reply, _, err := s.call(ctx, t, "shop.v1.Shop/Required", []byte("\x0a\x011")); err != nil || string(reply) != want {
			t.Errorf("%s: got %q %v, want %q", selection, reply, err, want)
		}
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-select", "itm")
	_, _, err := s.call(ctx, t, "shop.v1.Shop/Required", []byte("\x0a\x011"))
	st := status.Convert(err)
	if st.Code() != codes.InvalidArgument || !strings.Contains(st.Message(), `did you mean "item"`) || len(st.Details()) != 1 {
		t.Fatalf("got %v, want INVALID_ARGUMENT with a suggestion", err)
	}
	if info, ok := st.Details()[0].(*errdetails.ErrorInfo); !ok || info.GetReason() != "INVALID_SELECTION" || info.GetMetadata()["field"] != "select" {
		t.Errorf("got the detail %v", st.Details()[0])
	}
}

// An upstream's status arrives as it left, whatever its details are.
func TestStatusPassesUntouched(t *testing.T) {
	s := startShop(t)
	s.stock.set(failWith(t, codes.AlreadyExists, &errdetails.ErrorInfo{Reason: "TWICE"}, &errdetails.Help{}))
	for _, method := range []string{"shop.v1.Shop/Required", "shop.v1.Stock/Get"} {
		_, _, err := s.call(t.Context(), t, method, nil)
		if st := status.Convert(err); st.Code() != codes.AlreadyExists || st.Message() != "no" || len(st.Details()) != 2 {
			t.Errorf("%s: got %v", method, st.Proto())
		}
	}
}
