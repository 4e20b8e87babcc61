package upstream

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// openTimeout bounds how long a stream waits for a connection, and for the upstream to allow one stream more on it.
const openTimeout = 10 * time.Second

// serverStream describes a method that replies with a stream to grpc-go.
var serverStream = grpc.StreamDesc{ServerStreams: true}

// Stream sends one request, and passes the messages of the reply on, one after the other, until the stream has ended:
// nil if the upstream ended it with OK. message owns what it is passed; an error of it ends the stream and is
// returned as it is. While message runs nothing more is read, so that a slow reader slows its own stream, and no
// other on the connection. The request is not to be changed until Stream returns.
//
// Errors are those of [Upstream.Call], but no deadline is needed: a stream lasts until its context ends.
func (u *Upstream) Stream(ctx context.Context, method string, request []byte, message func(mem.Buffer) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // however it ends here, it ends at the upstream too
	stream, err := u.openStream(ctx, cancel, method)
	if err != nil {
		return err
	}
	x := &exchange{request: request}
	if err := stream.SendMsg(x); err != nil {
		return u.failure(err)
	}
	if err := stream.CloseSend(); err != nil {
		return u.failure(err)
	}
	for {
		err := stream.RecvMsg(x)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return u.failure(err)
		}
		if err := message(x.reply); err != nil {
			return err
		}
	}
}

// openStream opens a stream, or gives up when it takes too long. cancel is that of ctx.
func (u *Upstream) openStream(ctx context.Context, cancel context.CancelFunc, method string) (grpc.ClientStream, error) {
	timer := time.AfterFunc(u.openTimeout, cancel)
	stream, err := u.conn.client.NewStream(ctx, &serverStream, method)
	if inTime := timer.Stop(); !inTime {
		return nil, status.Errorf(codes.Unavailable, "upstream %s (%s): the stream could not be opened in %v",
			u.name, u.conn.target.addresses(), u.openTimeout)
	}
	if err != nil {
		return nil, u.failure(err)
	}
	return stream, nil
}
