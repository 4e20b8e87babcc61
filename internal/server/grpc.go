package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	kerrors "github.com/go-kratos/kratos/v2/errors"
	"github.com/go-kratos/kratos/v2/transport"
	kgrpc "github.com/go-kratos/kratos/v2/transport/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/gzip"  // requests may be compressed, and their replies are then, too
	_ "google.golang.org/grpc/encoding/proto" // the codec of health and reflection
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"facet/internal/gateway"
	"facet/internal/snapshot"
)

// GRPCSettings are what an operator may set of the gRPC server.
type GRPCSettings struct {
	Addr string
	// ReadTimeout bounds how long a client may take to send the request of a call.
	ReadTimeout time.Duration
	// MaxStreams bounds the calls in flight on one connection; 0 is no bound.
	MaxStreams uint32
	// ConnectionAge is when a connection takes no more calls, and closes with the last one: clients then connect
	// anew, to replicas that were not there before. Each connection's is up to a tenth more or less; 0 is never.
	ConnectionAge time.Duration
}

const (
	// largestMessage bounds what is read of a message before its limit, which is that of the snapshot, is known.
	largestMessage = 64 << 20
	// largestHead is the most metadata that a call may bring.
	largestHead = 64 << 10
	// handshakeTimeout bounds how long a connection may take to become one of HTTP/2.
	handshakeTimeout = 10 * time.Second
	// A client may ask as often as pingInterval whether the connection lives, and is asked itself every
	// probeInterval: one that does not answer within probeTimeout is gone.
	pingInterval  = 10 * time.Second
	probeInterval = 30 * time.Second
	probeTimeout  = 20 * time.Second
)

// GRPC is the Kratos server of gRPC.
type GRPC struct {
	*kgrpc.Server
	drain context.CancelFunc // when Stop begins
}

// NewGRPC returns the server of gRPC: methods are looked up in the snapshot, not registered. Of what Kratos
// registers by itself nothing can be reached; health and reflection are our own, and follow the live snapshot.
func NewGRPC(settings GRPCSettings, gw *gateway.Gateway, snapshots *snapshot.Holder) *GRPC {
	draining, drain := context.WithCancel(context.Background())
	s := &GRPC{drain: drain}
	h := &rpcHandler{
		gateway:     gw,
		health:      &health{snapshots: snapshots, draining: draining.Done(), readTimeout: settings.ReadTimeout},
		reflection:  &reflection{snapshots: snapshots, draining: draining, readTimeout: settings.ReadTimeout},
		readTimeout: settings.ReadTimeout,
	}
	s.Server = kgrpc.NewServer(
		kgrpc.Address(settings.Addr),
		kgrpc.Timeout(0),
		kgrpc.CustomHealth(),
		kgrpc.DisableReflection(),
		kgrpc.UnaryInterceptor(refuseUnary),
		kgrpc.StreamInterceptor(func(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, _ grpc.StreamHandler) error {
			return h.serve(srv, stream) // a registered service would hide a method of the snapshot of the same name
		}),
		kgrpc.Options(
			grpc.ForceServerCodecV2(frameCodec{encoding.GetCodecV2("proto")}),
			grpc.UnknownServiceHandler(h.serve),
			grpc.InTapHandle(newStreamContext),
			grpc.MaxRecvMsgSize(largestMessage),
			grpc.RPCDecompressor(inflater{snapshots}), //nolint:staticcheck // encoding.Compressor knows no server, and so no limit
			grpc.MaxHeaderListSize(largestHead),
			grpc.ConnectionTimeout(handshakeTimeout),
			grpc.MaxConcurrentStreams(settings.MaxStreams),
			grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingInterval, PermitWithoutStream: true}),
			grpc.KeepaliveParams(keepalive.ServerParameters{
				MaxConnectionAge: settings.ConnectionAge, Time: probeInterval, Timeout: probeTimeout,
			}),
		),
	)
	return s
}

// Stop implements transport.Server. Those who watch the health are told first, and reflection ends.
func (s *GRPC) Stop(ctx context.Context) error {
	s.drain()
	return s.Server.Stop(ctx)
}

// refuseUnary refuses the unary methods that Kratos registers. Those of the snapshot are streams to grpc-go.
func refuseUnary(_ context.Context, _ any, info *grpc.UnaryServerInfo, _ grpc.UnaryHandler) (any, error) {
	return nil, status.Errorf(codes.Unimplemented, "method %s is not served", strings.TrimPrefix(info.FullMethod, "/"))
}

// rpcHandler answers gRPC.
type rpcHandler struct {
	gateway     *gateway.Gateway
	health      *health
	reflection  *reflection
	readTimeout time.Duration
}

func (h *rpcHandler) serve(_ any, stream grpc.ServerStream) error {
	method, ok := grpc.MethodFromServerStream(stream)
	if !ok {
		return status.Error(codes.Internal, "the stream has no method")
	}
	method = strings.TrimPrefix(method, "/")
	switch method {
	case "grpc.health.v1.Health/Check":
		return h.health.check(stream)
	case "grpc.health.v1.Health/Watch":
		return h.health.watch(stream)
	case "grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo":
		return h.reflection.serve(stream)
	}
	return h.call(method, stream)
}

// call answers a method of the snapshot.
func (h *rpcHandler) call(method string, stream grpc.ServerStream) error {
	md, _ := metadata.FromIncomingContext(stream.Context())
	r := &rpcReply{stream: stream}
	r.call = gateway.Call{
		Protocol: transport.KindGRPC,
		Header:   gateway.Header(md),
		RPC:      method,
		ReadBody: func(limit int) ([]byte, error) { return receive(stream, limit, h.readTimeout) },
		Send:     r.send,
	}
	err := h.gateway.Serve(stream.Context(), &r.call)
	if err == nil && !r.call.Method().Descriptor.IsStreamingServer() {
		err = r.write(r.call.Reply)
	}
	r.end()
	return grpcError(err)
}

// rpcReply is the reply to one gRPC call. The header goes out with the first message, or with the error if
// there is none.
type rpcReply struct {
	stream  grpc.ServerStream
	call    gateway.Call
	begun   bool
	partial string // as the header told it
}

// send implements gateway.Call.Send. The message is copied, because it leaves after send has returned.
func (r *rpcReply) send(message []byte) error {
	return within(r.stream, writeTimeout, func() error { return r.write(bytes.Clone(message)) })
}

// write sends a message and keeps it.
func (r *rpcReply) write(message []byte) error {
	if err := r.begin(); err != nil {
		return err
	}
	return r.stream.SendMsg(&frame{wire: message})
}

// begin sets the header, once.
func (r *rpcReply) begin() error {
	if r.begun {
		return nil
	}
	r.begun = true
	header := metadata.MD(r.call.Added)
	if r.partial = r.call.PartialHeader(); r.partial != "" {
		header = metadata.Join(header, metadata.Pairs("x-facet-partial", r.partial))
	}
	if len(header) == 0 {
		return nil
	}
	if err := r.stream.SetHeader(header); err != nil {
		return fmt.Errorf("set header: %w", err)
	}
	return nil
}

// end sets the trailer: what failed after the header had gone.
func (r *rpcReply) end() {
	if !r.begun {
		_ = r.begin() // it fails if the client has left
		return
	}
	if partial := r.call.PartialHeader(); partial != r.partial {
		r.stream.SetTrailer(metadata.Pairs("x-facet-partial", partial))
	}
}

// grpcError keeps an upstream's status untouched, and gives a Kratos error its status.
func grpcError(err error) error {
	if kratos := (*kerrors.Error)(nil); errors.As(err, &kratos) {
		return kratos.GRPCStatus().Err()
	}
	return err
}
