package gateway_test

import (
	"context"
	"errors"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/go-kratos/kratos/v2/transport"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"facet/internal/canary"
	"facet/internal/gateway"
	"facet/internal/snapshot"
	"facet/internal/upstream"
)

const roomProto = `syntax = "proto3";
package room.v1;
import "google/api/annotations.proto";
service Room {
  rpc Watch(Text) returns (stream Text) { option (google.api.http) = {get: "/rooms/{text}"}; }
  rpc Listen(Text) returns (stream Text) {}
  rpc Both(Text) returns (stream Event) { option (google.api.http) = {get: "/rooms/{text}/both"}; }
}
message Text { string text = 1; string lang = 2; }
message Event { oneof event { Text seen = 1; Text heard = 2; } }
`

const roomYAML = `
methods:
  room.v1.Room/Watch: {}
  room.v1.Room/Both:
    calls:
      seen: {rpc: room.v1.Room/Watch, request: request}
      heard: {rpc: room.v1.Room/Listen, request: request, optional: true}
    reply: {seen: seen, heard: heard}
`

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// room is a backend whose streams the test plays.
type room struct {
	address string
	opened  chan *show
}

// show is one stream of the backend.
type show struct {
	method string
	ctx    context.Context
	play   chan string // texts to send
	end    chan error  // how to end
}

func startRoom(t testing.TB) *room {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &room{address: listener.Addr().String(), opened: make(chan *show, 100)}
	server := grpc.NewServer(grpc.UnknownServiceHandler(r.serve))
	go server.Serve(listener) // until Stop
	t.Cleanup(server.Stop)
	return r
}

// serve plays a stream. A StringValue is a Text on the wire.
func (r *room) serve(_ any, stream grpc.ServerStream) error {
	if err := stream.RecvMsg(new(wrapperspb.StringValue)); err != nil {
		return err
	}
	method, _ := grpc.MethodFromServerStream(stream)
	s := &show{method: method[strings.LastIndex(method, "/")+1:], ctx: stream.Context(), play: make(chan string), end: make(chan error)}
	r.opened <- s
	for {
		select {
		case text := <-s.play:
			if err := stream.SendMsg(wrapperspb.String(text)); err != nil {
				return err
			}
		case err := <-s.end:
			return err
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
}

// next is the next stream that the gateway opens.
func (r *room) next(t *testing.T) *show {
	t.Helper()
	select {
	case s := <-r.opened:
		return s
	case <-time.After(patience):
		t.Fatal("no stream was opened")
		return nil
	}
}

// over waits until the stream is over for the backend.
func (s *show) over(t *testing.T) {
	t.Helper()
	select {
	case <-s.ctx.Done():
	case <-time.After(patience):
		t.Fatal("the stream goes on at the backend")
	}
}

// build makes a snapshot of the room's documents.
func (r *room) build(t testing.TB, yaml string, pool *upstream.Pool) *snapshot.Snapshot {
	t.Helper()
	snap, problems := snapshot.Build(t.Context(), []snapshot.Document{
		{Name: "room.proto", Data: []byte(roomProto)},
		{Name: "room.yaml", Data: []byte(yaml + "\nupstreams: {room: {target: 'static:///" + r.address + "', services: [room.v1.Room]}}\n")},
	}, pool)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return snap
}

func (r *room) gateway(t testing.TB, yaml string) (*gateway.Gateway, *snapshot.Holder) {
	holder := &snapshot.Holder{}
	holder.Publish(r.build(t, yaml, upstream.NewPool()))
	t.Cleanup(func() { holder.Publish(nil) })
	return gateway.New(holder), holder
}

// watcher is a client of a stream.
type watcher struct {
	call *gateway.Call
	sent chan string
	done chan error
}

// watch opens a stream: `GET /path?query`, or a gRPC method.
func watch(ctx context.Context, gw *gateway.Gateway, what string, header gateway.Header) *watcher {
	w := &watcher{sent: make(chan string), done: make(chan error, 1)}
	w.call = &gateway.Call{Protocol: transport.KindGRPC, Header: header, RPC: what}
	if target, http := strings.CutPrefix(what, "GET "); http {
		w.call.Protocol, w.call.HTTPMethod, w.call.RPC = transport.KindHTTP, "GET", ""
		w.call.Path, w.call.Query, _ = strings.Cut(target, "?")
	}
	w.call.ReadBody = func(int) ([]byte, error) { return []byte("\x0a\x011"), nil }
	w.call.Send = func(message []byte) error {
		select {
		case w.sent <- string(message):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	go func() { w.done <- gw.Serve(ctx, w.call) }()
	return w
}

func (w *watcher) wants(t *testing.T, want string) {
	t.Helper()
	select {
	case got := <-w.sent:
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	case err := <-w.done:
		t.Fatalf("the stream ended with %v, want %q", err, want)
	case <-time.After(patience):
		t.Fatalf("no message came, want %q", want)
	}
}

func (w *watcher) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-w.done:
		return err
	case <-time.After(patience):
		t.Fatal("the stream does not end")
		return nil
	}
}

func reason(err error) string {
	if own := new(gateway.Error); errors.As(err, &own) {
		return own.Reason
	}
	return ""
}

func TestStreamPassesThroughSelected(t *testing.T) {
	backend := startRoom(t)
	gw, _ := backend.gateway(t, roomYAML)
	for _, test := range []struct{ what, want string }{
		{"GET /rooms/1", `{"text":"hi","lang":""}`},
		{"GET /rooms/1?select=text", `{"text":"hi"}`},
		{"room.v1.Room/Watch", "\x0a\x02hi"},
	} {
		w := watch(t.Context(), gw, test.what, gateway.Header{})
		show := backend.next(t)
		for range 3 {
			show.play <- "hi"
			w.wants(t, test.want)
		}
		show.end <- nil
		if err := w.end(t); err != nil {
			t.Errorf("%s: %v", test.what, err)
		}
	}
}

func TestStreamIsRefusedWhereNoneIsCarried(t *testing.T) {
	backend := startRoom(t)
	gw, _ := backend.gateway(t, roomYAML)
	err := gw.Serve(t.Context(), &gateway.Call{Protocol: transport.KindHTTP, Header: gateway.Header{}, HTTPMethod: "GET", Path: "/rooms/1"})
	if status.Code(err) != codes.Unimplemented || reason(err) != "STREAM_NOT_CARRIED" {
		t.Errorf("got %v", err)
	}
	if len(backend.opened) > 0 {
		t.Error("the backend was asked all the same")
	}
}

func TestMergedStream(t *testing.T) {
	backend := startRoom(t)
	gw, _ := backend.gateway(t, roomYAML)
	shows := func() map[string]*show {
		a, b := backend.next(t), backend.next(t)
		return map[string]*show{a.method: a, b.method: b}
	}
	t.Run("both", func(t *testing.T) {
		w := watch(t.Context(), gw, "GET /rooms/1/both", gateway.Header{})
		of := shows()
		of["Watch"].play <- "a"
		w.wants(t, `{"seen":{"text":"a","lang":""}}`)
		of["Listen"].play <- "b"
		w.wants(t, `{"heard":{"text":"b","lang":""}}`)
		of["Watch"].end <- nil
		of["Listen"].play <- "c"
		w.wants(t, `{"heard":{"text":"c","lang":""}}`)
		of["Listen"].end <- nil
		if err := w.end(t); err != nil || w.call.PartialHeader() != "" {
			t.Errorf("got %v, partial %q", err, w.call.PartialHeader())
		}
	})
	t.Run("one selected", func(t *testing.T) {
		w := watch(t.Context(), gw, "GET /rooms/1/both?select=heard.text", gateway.Header{})
		show := backend.next(t)
		show.play <- "b"
		w.wants(t, `{"heard":{"text":"b"}}`)
		show.end <- nil
		if err := w.end(t); err != nil || show.method != "Listen" || len(backend.opened) > 0 {
			t.Errorf("got %v; %s was opened, and %d more", err, show.method, len(backend.opened))
		}
		if md, _ := metadata.FromIncomingContext(show.ctx); strings.Join(md.Get("x-select"), "") != "text" {
			t.Errorf("the backend was sent %v", md)
		}
	})
	t.Run("the optional one fails", func(t *testing.T) {
		w := watch(t.Context(), gw, "GET /rooms/1/both", gateway.Header{})
		of := shows()
		of["Listen"].end <- status.Error(codes.PermissionDenied, "not yours")
		of["Watch"].play <- "a"
		w.wants(t, `{"seen":{"text":"a","lang":""}}`)
		of["Watch"].end <- nil
		if err := w.end(t); err != nil || w.call.PartialHeader() != "heard;reason=PERMISSION_DENIED" {
			t.Errorf("got %v, partial %q", err, w.call.PartialHeader())
		}
	})
	t.Run("the required one fails", func(t *testing.T) {
		w := watch(t.Context(), gw, "GET /rooms/1/both", gateway.Header{})
		of := shows()
		of["Watch"].play <- "a"
		w.wants(t, `{"seen":{"text":"a","lang":""}}`)
		of["Watch"].end <- status.Error(codes.NotFound, "closed")
		if err := w.end(t); status.Code(err) != codes.NotFound {
			t.Errorf("got %v", err)
		}
		of["Listen"].over(t)
	})
}

// A stream that is too old or silent ends, here and at the upstream, so that the client may open it again.
func TestStreamLimits(t *testing.T) {
	for limit, want := range map[string]string{"stream_idle": "STREAM_IDLE", "stream_age": "STREAM_AGE"} {
		backend := startRoom(t)
		gw, _ := backend.gateway(t, roomYAML+"limits: {"+limit+": 20ms}\n")
		for _, method := range []string{"Watch", "Both"} {
			w := watch(t.Context(), gw, "room.v1.Room/"+method, gateway.Header{})
			err := w.end(t)
			if status.Code(err) != codes.Unavailable || reason(err) != want || !strings.Contains(err.Error(), "20ms") {
				t.Errorf("%s, %s: got %v", limit, method, err)
			}
		}
		for len(backend.opened) > 0 { // before the limit
			backend.next(t).over(t)
		}
	}
}

func TestStreamInheritsTheDeadlineOfTheClient(t *testing.T) {
	backend := startRoom(t)
	gw, _ := backend.gateway(t, roomYAML)
	w := watch(t.Context(), gw, "room.v1.Room/Watch", gateway.Header{"grpc-timeout": {"1H"}})
	show := backend.next(t)
	if _, bounded := show.ctx.Deadline(); !bounded {
		t.Error("the backend was not told the deadline")
	}
	show.end <- nil
	if err := w.end(t); err != nil {
		t.Error(err)
	}
	for _, method := range []string{"Watch", "Both"} {
		w = watch(t.Context(), gw, "room.v1.Room/"+method, gateway.Header{"grpc-timeout": {"20m"}})
		if err := w.end(t); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("%s: got %v", method, err)
		}
	}
	w = watch(t.Context(), gw, "room.v1.Room/Watch", gateway.Header{"grpc-timeout": {"soon"}})
	if err := w.end(t); reason(err) != "INVALID_TIMEOUT" {
		t.Errorf("got %v", err)
	}
}

// A client that leaves ends its streams at the backend; nothing is left of a thousand of them.
func TestClientLeaves(t *testing.T) {
	backend := startRoom(t)
	gw, _ := backend.gateway(t, roomYAML)
	turn := func() {
		ctx, leave := context.WithCancel(t.Context())
		w := watch(ctx, gw, "room.v1.Room/Both", gateway.Header{})
		a, b := backend.next(t), backend.next(t)
		a.play <- "a"
		<-w.sent
		leave()
		if err := w.end(t); status.Code(err) != codes.Canceled {
			t.Fatalf("got %v", err)
		}
		a.over(t)
		b.over(t)
	}
	turn()
	before := runtime.NumGoroutine()
	for range 1000 {
		turn()
	}
	for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before+10; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are left of %d", runtime.NumGoroutine(), before)
		}
	}
}

// A client that does not read holds up its own streams, and no other.
func TestSlowClient(t *testing.T) {
	backend := startRoom(t)
	gw, _ := backend.gateway(t, roomYAML)
	ctx, leave := context.WithCancel(t.Context())
	stuck := watch(ctx, gw, "room.v1.Room/Watch", gateway.Header{})
	jam := backend.next(t)
	large := strings.Repeat("x", 32<<10)
	sent := 0
jammed:
	for {
		select {
		case jam.play <- large:
			if sent++; sent > 1000 {
				t.Fatal("messages are taken that nobody reads")
			}
		case <-time.After(200 * time.Millisecond):
			break jammed
		}
	}
	other := watch(t.Context(), gw, "room.v1.Room/Watch", gateway.Header{})
	show := backend.next(t)
	show.play <- "a"
	other.wants(t, "\x0a\x01a")
	show.end <- nil
	if err := other.end(t); err != nil {
		t.Error(err)
	}
	leave()
	if err := stuck.end(t); err == nil {
		t.Error("a stream ended well whose client left")
	}
	jam.over(t)
}

// A stream goes on with the snapshot it began with, even if its method is gone.
func TestReloadDuringAStream(t *testing.T) {
	backend := startRoom(t)
	gw, holder := backend.gateway(t, roomYAML)
	w := watch(t.Context(), gw, "GET /rooms/1", gateway.Header{})
	show := backend.next(t)
	show.play <- "a"
	w.wants(t, `{"text":"a","lang":""}`)

	holder.Publish(backend.build(t, "methods: {room.v1.Room/Listen: {}}", upstream.NewPool()))
	if err := watch(t.Context(), gw, "GET /rooms/1", gateway.Header{}).end(t); reason(err) != "PATH_NOT_FOUND" {
		t.Errorf("the method is still served: %v", err)
	}
	show.play <- "b"
	w.wants(t, `{"text":"b","lang":""}`)
	show.end <- nil
	if err := w.end(t); err != nil {
		t.Error(err)
	}
}

// When the gateway is drained its streams end, those that are opened meanwhile too.
func TestDrainEndsStreams(t *testing.T) {
	backend := startRoom(t)
	gw, _ := backend.gateway(t, roomYAML)
	var watchers []*watcher
	for range 3 {
		watchers = append(watchers, watch(t.Context(), gw, "room.v1.Room/Watch", gateway.Header{}))
		backend.next(t)
	}
	gw.Drain(20 * time.Millisecond)
	watchers = append(watchers, watch(t.Context(), gw, "room.v1.Room/Watch", gateway.Header{}))
	for _, w := range watchers {
		if err := w.end(t); status.Code(err) != codes.Unavailable || reason(err) != "STREAM_SHUTDOWN" {
			t.Errorf("got %v", err)
		}
	}
}

// In a trial a stream counts once, when it has ended, and what its client or a limit ends is no failure.
func TestStreamsInATrial(t *testing.T) {
	backend := startRoom(t)
	gw, _ := backend.gateway(t, roomYAML)
	trial := canary.NewTrial(backend.build(t, roomYAML, upstream.NewPool()), canary.Settings{BasisPoints: 10_000}, time.Now())
	t.Cleanup(trial.End)
	gw.Try(trial)
	ctx, leave := context.WithCancel(t.Context())
	w := watch(ctx, gw, "room.v1.Room/Watch", gateway.Header{})
	backend.next(t)
	if _, candidate := trial.Served(); candidate != (canary.Served{}) {
		t.Errorf("counted before the end: %+v", candidate)
	}
	leave()
	_ = w.end(t) // that the client left
	w = watch(t.Context(), gw, "room.v1.Room/Watch", gateway.Header{})
	backend.next(t).end <- status.Error(codes.Internal, "broken")
	_ = w.end(t) // that it is broken
	if _, candidate := trial.Served(); candidate != (canary.Served{OK: 1, Failed: 1}) {
		t.Errorf("got %+v, want two streams, one of them failed", candidate)
	}
}

// Only what the gateway or its upstreams have done counts against a side of a trial.
func TestWhoseFailureAStreamOfATrialIs(t *testing.T) {
	var (
		lost = errors.New("broken pipe")
		late = status.Error(codes.DeadlineExceeded, "late")
	)
	for name, test := range map[string]struct {
		header   gateway.Header
		send     error // of the client's connection
		upstream error
		want     canary.Served
	}{
		"all is well":                 {nil, nil, nil, canary.Served{OK: 1}},
		"the client takes nothing":    {nil, lost, nil, canary.Served{OK: 1}},
		"the client's time is over":   {gateway.Header{"timeout": {"1h"}}, nil, late, canary.Served{OK: 1}},
		"the upstream's time is over": {nil, nil, late, canary.Served{Failed: 1}},
		"the upstream is down":        {nil, nil, status.Error(codes.Unavailable, "down"), canary.Served{Failed: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			backend := startRoom(t)
			gw, _ := backend.gateway(t, roomYAML)
			trial := canary.NewTrial(backend.build(t, roomYAML, upstream.NewPool()), canary.Settings{BasisPoints: 10_000}, time.Now())
			t.Cleanup(trial.End)
			gw.Try(trial)
			call := &gateway.Call{
				Protocol: transport.KindHTTP, HTTPMethod: "GET", Path: "/rooms/1", Header: test.header,
				Send: func([]byte) error { return test.send },
			}
			done := make(chan error, 1)
			go func() { done <- gw.Serve(t.Context(), call) }()
			show := backend.next(t)
			show.play <- "hello"
			select {
			case show.end <- test.upstream:
			case <-show.ctx.Done():
			}
			<-done
			if _, candidate := trial.Served(); candidate != test.want {
				t.Errorf("got %+v, want %+v", candidate, test.want)
			}
		})
	}
}
