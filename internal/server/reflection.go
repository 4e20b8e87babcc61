package server

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"facet/internal/snapshot"
)

// reflection is the service grpc.reflection.v1.ServerReflection over the live snapshot. That of v1alpha has the same
// messages by other names, and is served by the same code.
type reflection struct {
	snapshots   *snapshot.Holder
	draining    context.Context
	readTimeout time.Duration // how long a stream waits for a question
}

// serve answers the questions of one stream. A question is answered from the snapshot that is live when it is asked.
func (r *reflection) serve(stream grpc.ServerStream) error {
	defer context.AfterFunc(r.draining, func() { cancelStream(stream) })()
	var of *contract
	for {
		question := new(reflectionpb.ServerReflectionRequest)
		switch err := receiveMessage(stream, question, r.readTimeout); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		live, err := r.live(of)
		if err != nil {
			return err
		}
		of = live
		if err := stream.SendMsg(of.answer(question)); err != nil {
			return err
		}
	}
}

// live returns the contract of the live snapshot: the last one, if it still is.
func (r *reflection) live(last *contract) (*contract, error) {
	snap := r.snapshots.Pin()
	if snap == nil {
		return nil, status.Error(codes.Unavailable, "the gateway has no configuration yet")
	}
	defer snap.Unpin()
	if last != nil && last.hash == snap.Hash {
		return last, nil
	}
	return contractOf(snap), nil
}
