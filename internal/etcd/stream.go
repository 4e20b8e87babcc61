package etcd

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
)

// backlog is how many responses wait while their reader is busy, so that it can catch up in one go.
const backlog = 64

// stream is one watch of a prefix, which ends with the connection it is on. It speaks etcd's API itself, because the
// client's Watch resumes a broken watch unseen at the next revision: if etcd was restored from a backup meanwhile,
// that is a revision of another history, and the two would be mixed.
//
// The first response tells that the watch has begun; it holds no events. Those of all changes after that follow.
type stream struct {
	cancel    context.CancelFunc
	responses chan *etcdserverpb.WatchResponse // closed when the stream has ended
	err       error                            // why it ended; to be read after that
}

// openStream watches what changes from now on. It does not wait for etcd.
func openStream(ctx context.Context, client *clientv3.Client, prefix string) *stream {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	s := &stream{cancel: cancel, responses: make(chan *etcdserverpb.WatchResponse, backlog)}
	create := &etcdserverpb.WatchCreateRequest{Key: []byte(prefix), RangeEnd: []byte(clientv3.GetPrefixRangeEnd(prefix))}
	go func() {
		defer close(s.responses)
		s.err = s.receive(ctx, etcdserverpb.NewWatchClient(client.ActiveConnection()), create)
	}()
	return s
}

// receive passes on responses until the stream ends, and returns why it did.
func (s *stream) receive(ctx context.Context, client etcdserverpb.WatchClient, create *etcdserverpb.WatchCreateRequest) error {
	// A response is as large as what has changed, which etcd bounds.
	watch, err := client.Watch(ctx, grpc.MaxCallRecvMsgSize(math.MaxInt32))
	if err != nil {
		return err
	}
	request := &etcdserverpb.WatchRequest{RequestUnion: &etcdserverpb.WatchRequest_CreateRequest{CreateRequest: create}}
	if err := watch.Send(request); err != nil {
		return err
	}
	for {
		response, err := watch.Recv()
		switch {
		case err != nil:
			return err
		case response.GetCompactRevision() > 0: // this process was slow
			return fmt.Errorf("changes up to revision %d are compacted away", response.GetCompactRevision())
		case response.GetCanceled():
			return errors.New(response.GetCancelReason())
		}
		select {
		case s.responses <- response:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// begun waits until etcd watches.
func (s *stream) begun() error {
	select {
	case _, ok := <-s.responses:
		if !ok {
			return s.err
		}
		return nil
	case <-time.After(listTimeout):
		return context.DeadlineExceeded
	}
}

// close ends the stream and returns when it has ended.
func (s *stream) close() {
	s.cancel()
	for range s.responses { // what came last is not wanted
	}
}
