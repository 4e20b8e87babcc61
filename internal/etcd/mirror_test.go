package etcd

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/go-kratos/kratos/v2/config"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func values(pairs ...string) []*config.KeyValue {
	var list []*config.KeyValue
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, &config.KeyValue{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return list
}

// listed returns the mirror of a listing at revision 10.
func listed(keys ...*mvccpb.KeyValue) *mirror {
	var list []*config.KeyValue
	for _, key := range keys {
		list = append(list, &config.KeyValue{Key: string(key.Key), Value: key.Value})
	}
	return newMirror("/live/", list, &clientv3.GetResponse{Header: &etcdserverpb.ResponseHeader{Revision: 10}, Kvs: keys})
}

func key(name, value string, modified int64) *mvccpb.KeyValue {
	return &mvccpb.KeyValue{Key: []byte("/live/" + name), Value: []byte(value), ModRevision: modified}
}

func putEvent(name, value string, revision int64) *mvccpb.Event {
	return &mvccpb.Event{Type: mvccpb.Event_PUT, Kv: key(name, value, revision)}
}

func deleteEvent(name string, revision int64) *mvccpb.Event {
	return &mvccpb.Event{Type: mvccpb.Event_DELETE, Kv: key(name, "", revision)}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		events   []*mvccpb.Event
		revision int64
		want     []*config.KeyValue
	}{
		"none":                  {nil, 10, values("a", "1", "b", "2")},
		"put":                   {[]*mvccpb.Event{putEvent("a", "3", 11)}, 11, values("a", "3", "b", "2")},
		"new":                   {[]*mvccpb.Event{putEvent("0", "3", 12)}, 12, values("0", "3", "a", "1", "b", "2")},
		"delete":                {[]*mvccpb.Event{deleteEvent("a", 11)}, 11, values("b", "2")},
		"delete what is absent": {[]*mvccpb.Event{deleteEvent("c", 11)}, 11, values("a", "1", "b", "2")},
		"one transaction":       {[]*mvccpb.Event{putEvent("a", "3", 11), deleteEvent("b", 11)}, 11, values("a", "3")},
		"several revisions":     {[]*mvccpb.Event{putEvent("c", "3", 11), deleteEvent("c", 12)}, 12, values("a", "1", "b", "2")},
		"before the listing":    {[]*mvccpb.Event{deleteEvent("a", 9), putEvent("b", "0", 10)}, 10, values("a", "1", "b", "2")},
		"across the listing":    {[]*mvccpb.Event{putEvent("b", "0", 10), putEvent("b", "4", 11)}, 11, values("a", "1", "b", "4")},
	} {
		m := listed(key("a", "1", 3), key("b", "2", 5))
		header := &etcdserverpb.ResponseHeader{Revision: 99} // of the store when it was sent
		m.fold(&etcdserverpb.WatchResponse{Header: header, Events: test.events})
		if set := m.set(); set.Revision != test.revision || !equal(set.Values, test.want) {
			t.Errorf("%s: got %d %v", name, set.Revision, set.Values)
		}
	}
}

func TestAgrees(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		revision, count, newest int64
		want                    bool
	}{
		"the same":                         {10, 2, 5, true},
		"a later revision, of other keys":  {99, 2, 5, true},
		"an earlier revision":              {9, 2, 5, false},
		"a key more":                       {11, 3, 5, false},
		"a key less":                       {11, 1, 5, false},
		"a key changed":                    {11, 2, 11, false},
		"a key as it was before":           {11, 2, 4, false},
		"nothing":                          {11, 0, 0, false},
		"nothing, and an earlier revision": {1, 0, 0, false},
	} {
		answer := &clientv3.GetResponse{Header: &etcdserverpb.ResponseHeader{Revision: test.revision}, Count: test.count}
		if test.count > 0 {
			answer.Kvs = []*mvccpb.KeyValue{key("b", "", test.newest)}
		}
		if got := listed(key("a", "1", 3), key("b", "2", 5)).agrees(answer); got != test.want {
			t.Errorf("%s: got %t", name, got)
		}
	}
	nothing := &clientv3.GetResponse{Header: &etcdserverpb.ResponseHeader{Revision: 10}}
	if !listed().agrees(nothing) {
		t.Error("nothing does not agree with nothing")
	}
}

// What is worth a report depends on what was reported before.
func TestNews(t *testing.T) {
	t.Parallel()
	one, two := values("a", "1"), values("a", "2")
	empty := emptyError("/live/")
	gone := status.Error(codes.Unavailable, "connection refused")
	var n news
	for i, step := range []struct {
		values []*config.KeyValue
		err    error
		want   bool
	}{
		{one, nil, true},
		{values("a", "1"), nil, false},
		{two, nil, true},
		{nil, gone, true},
		{nil, context.DeadlineExceeded, false}, // still away
		{nil, rpctypes.ErrNoLeader, false},
		{nil, fmt.Errorf("etcd: %w", status.Error(codes.Unavailable, "broken pipe")), false},
		{nil, rpctypes.ErrPermissionDenied, true}, // another reason
		{nil, gone, true},
		{two, nil, true}, // the same, but the failure is over
		{two, nil, false},
		{nil, empty, true},
		{nil, empty, false},
		{nil, gone, true},
		{nil, empty, true},
		{one, nil, true},
	} {
		got := false
		if step.err != nil {
			got = n.fails(step.err)
		} else {
			got = n.differs(step.values)
		}
		if got != step.want {
			t.Errorf("step %d: got %t", i, got)
		}
	}
}

func TestPausesGrowAndDiffer(t *testing.T) {
	t.Parallel()
	if pause(0) != 0 {
		t.Error("the first attempt waits")
	}
	for attempt, milliseconds := range []int{50, 100, 200, 400, 800, 1000, 1000, 1000} {
		longest := time.Duration(milliseconds) * time.Millisecond
		different := map[time.Duration]bool{}
		for range 100 {
			p := pause(attempt + 1)
			if p < longest/2 || p > longest {
				t.Errorf("attempt %d: %v is not between %v and %v", attempt+1, p, longest/2, longest)
			}
			different[p] = true
		}
		if len(different) < 50 {
			t.Errorf("attempt %d: only %d different pauses", attempt+1, len(different))
		}
	}
	if p := pause(1 << 30); p > pauseMost {
		t.Errorf("after long: %v", p)
	}
}
