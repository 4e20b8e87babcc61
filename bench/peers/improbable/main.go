// Command improbable is improbable's gRPC-Web wrapper around a grpc-go server that passes every call on: wire bytes, whatever the
// method. It cannot merge or select.
package main

import (
	"context"
	"errors"
	"io"

	"github.com/improbable-eng/grpc-web/go/grpcweb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"facet/bench/internal/peer"
	"facet/bench/internal/rawgrpc"
)

func main() {
	listen, services := peer.ListenFlag(), peer.ServiceFlags()
	peer.Main(func(ctx context.Context) error {
		upstream, err := peer.Dial(services.Order, grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawgrpc.Codec{})))
		if err != nil {
			return err
		}
		server := grpc.NewServer(
			grpc.ForceServerCodecV2(rawgrpc.Codec{}),
			grpc.UnknownServiceHandler(director{upstream}.forward),
		)
		return peer.ServeHTTP(ctx, *listen, peer.NewHTTPServer(grpcweb.WrapServer(server)))
	})
}

// director passes calls on to an upstream.
type director struct {
	upstream *grpc.ClientConn
}

// forward passes a call on as a stream in both directions, which every call is on the wire.
func (d director) forward(_ any, client grpc.ServerStream) error {
	method, ok := grpc.MethodFromServerStream(client)
	if !ok {
		return status.Error(codes.Internal, "the call has no method")
	}
	ctx, cancel := context.WithCancel(client.Context())
	defer cancel()
	upstream, err := d.upstream.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	go func() {
		if err := sendAll(upstream, client); err != nil {
			cancel()
		}
	}()
	for {
		var reply []byte
		if err := upstream.RecvMsg(&reply); err != nil {
			client.SetTrailer(upstream.Trailer())
			return notEOF(err)
		}
		if err := client.SendMsg(reply); err != nil {
			return err
		}
	}
}

// sendAll passes on what the client sends, up to its end.
func sendAll(upstream grpc.ClientStream, client grpc.ServerStream) error {
	for {
		var request []byte
		if err := client.RecvMsg(&request); err != nil {
			return errors.Join(notEOF(err), upstream.CloseSend())
		}
		if err := upstream.SendMsg(request); err != nil {
			return notEOF(err) // the end is told to who receives
		}
	}
}

// notEOF returns an error, unless it is the good end of a stream.
func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
