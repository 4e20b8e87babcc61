package load

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"facet/bench/internal/rawgrpc"
)

// grpcConn is a connection of grpc-go that sends and receives bytes.
type grpcConn struct {
	conn     *grpc.ClientConn
	requests []Request
	metadata []metadata.MD // by request
	deadline time.Time
}

func dialGRPC(address string, requests []Request) (conn, error) {
	c, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawgrpc.Codec{})))
	if err != nil {
		return nil, err
	}
	g := &grpcConn{conn: c, requests: requests}
	for _, request := range requests {
		g.metadata = append(g.metadata, metadata.New(request.Header))
	}
	return g, nil
}

func (c *grpcConn) until(deadline time.Time) { c.deadline = deadline }

func (c *grpcConn) close() error { return c.conn.Close() }

func (c *grpcConn) do(request int) ([]byte, error) {
	ctx, cancel := context.WithDeadline(context.Background(), c.deadline)
	defer cancel()
	var reply []byte
	ctx = metadata.NewOutgoingContext(ctx, c.metadata[request])
	err := c.conn.Invoke(ctx, c.requests[request].Path, c.requests[request].Body, &reply)
	return reply, err
}
