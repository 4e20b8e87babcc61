package etcd

import (
	"context"
	"io"
	"strings"
	"testing"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
)

// script is a watch that says what it is told to.
type script struct {
	grpc.ClientStream
	responses []*etcdserverpb.WatchResponse
}

func (s *script) Watch(context.Context, ...grpc.CallOption) (grpc.BidiStreamingClient[etcdserverpb.WatchRequest, etcdserverpb.WatchResponse], error) {
	return s, nil
}

func (s *script) Send(*etcdserverpb.WatchRequest) error { return nil }

func (s *script) Recv() (*etcdserverpb.WatchResponse, error) {
	if len(s.responses) == 0 {
		return nil, io.EOF
	}
	response := s.responses[0]
	s.responses = s.responses[1:]
	return response, nil
}

// A stream ends with its first response that is no change, and passes on those before.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		last *etcdserverpb.WatchResponse
		want string
	}{
		"compacted": {&etcdserverpb.WatchResponse{CompactRevision: 7, Canceled: true}, "changes up to revision 7 are compacted away"},
		"refused":   {&etcdserverpb.WatchResponse{Created: true, Canceled: true, CancelReason: "permission denied"}, "permission denied"},
		"closed":    {nil, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			watch := &script{responses: []*etcdserverpb.WatchResponse{{Created: true}, {WatchId: 1}}}
			if test.last != nil {
				watch.responses = append(watch.responses, test.last, &etcdserverpb.WatchResponse{WatchId: 2})
			}
			s := &stream{responses: make(chan *etcdserverpb.WatchResponse, 4)}
			err := s.receive(t.Context(), watch, &etcdserverpb.WatchCreateRequest{})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			if len(s.responses) != 2 {
				t.Errorf("%d responses were passed on, not 2", len(s.responses))
			}
		})
	}
}
