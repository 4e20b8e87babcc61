package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	kerrors "github.com/go-kratos/kratos/v2/errors"
	"github.com/go-kratos/kratos/v2/transport"
	kgrpc "github.com/go-kratos/kratos/v2/transport/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // the codec of the health service
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"facet/internal/gateway"
)

// NewGRPC returns the Kratos server of unary gRPC: methods are looked up in the snapshot, not registered. Of what
// Kratos registers by itself only the health service can be reached.
func NewGRPC(addr string, gw *gateway.Gateway) *kgrpc.Server {
	h := &rpcHandler{gateway: gw}
	return kgrpc.NewServer(
		kgrpc.Address(addr),
		kgrpc.Timeout(0),
		kgrpc.DisableReflection(),
		kgrpc.UnaryInterceptor(onlyHealthUnary),
		kgrpc.StreamInterceptor(onlyHealthStream(h.serve)),
		kgrpc.Options(
			grpc.ForceServerCodecV2(frameCodec{encoding.GetCodecV2("proto")}),
			grpc.UnknownServiceHandler(h.serve),
		),
	)
}

const healthPrefix = "/grpc.health.v1.Health/"

func notServed(method string) error {
	return status.Errorf(codes.Unimplemented, "method %s is not served", strings.TrimPrefix(method, "/"))
}

func onlyHealthUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if !strings.HasPrefix(info.FullMethod, healthPrefix) {
		return nil, notServed(info.FullMethod)
	}
	return next(ctx, req)
}

// onlyHealthStream lets streams of the health service and of the snapshot's methods pass. A registered service
// would hide a method of the snapshot of the same name, so every other stream goes to serve.
func onlyHealthStream(serve grpc.StreamHandler) grpc.StreamServerInterceptor {
	return func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
		if strings.HasPrefix(info.FullMethod, healthPrefix) {
			return next(srv, stream)
		}
		return serve(srv, stream)
	}
}

// frame is a message as wire bytes.
type frame struct{ wire []byte }

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
		f.wire = data.Materialize()
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}

// rpcHandler answers unary gRPC.
type rpcHandler struct {
	gateway *gateway.Gateway
}

func (h *rpcHandler) serve(_ any, stream grpc.ServerStream) error {
	ctx := stream.Context()
	method, ok := grpc.MethodFromServerStream(stream)
	if !ok {
		return status.Error(codes.Internal, "the stream has no method")
	}
	md, _ := metadata.FromIncomingContext(ctx)
	call := &gateway.Call{
		Protocol: transport.KindGRPC,
		Header:   gateway.Header(md),
		RPC:      strings.TrimPrefix(method, "/"),
		ReadBody: func(limit int) ([]byte, error) { return receive(stream, limit) },
	}
	if err := h.gateway.Serve(ctx, call); err != nil {
		return grpcError(err)
	}
	header := metadata.MD(call.Added)
	if partial := call.PartialHeader(); partial != "" {
		header = metadata.Join(header, metadata.Pairs("x-facet-partial", partial))
	}
	if err := stream.SetHeader(header); err != nil {
		return fmt.Errorf("set header: %w", err)
	}
	return stream.SendMsg(&frame{wire: call.Reply})
}

// receive reads the one message of a unary request.
func receive(stream grpc.ServerStream, limit int) ([]byte, error) {
	var request, more frame
	if err := stream.RecvMsg(&request); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, status.Error(codes.InvalidArgument, "the request has no message")
		}
		return nil, err
	}
	if len(request.wire) > limit {
		return nil, gateway.BodyTooLarge(limit)
	}
	if err := stream.RecvMsg(&more); !errors.Is(err, io.EOF) {
		return nil, status.Error(codes.InvalidArgument, "the request of a unary method has more than one message")
	}
	return request.wire, nil
}

// grpcError keeps an upstream's status untouched, and gives a Kratos error its status.
func grpcError(err error) error {
	if kratos := (*kerrors.Error)(nil); errors.As(err, &kratos) {
		return kratos.GRPCStatus().Err()
	}
	return err
}
