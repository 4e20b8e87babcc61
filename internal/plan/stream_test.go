package plan_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"facet/internal/plan"
)

// feeds is a Caller whose streams send what the test hands them.
type feeds struct {
	unary  callerFunc
	opened chan string // the short name of each stream that is opened
	ended  chan string
	feed   map[string]chan []byte // by short name; closed: the stream ends
}

func newFeeds(unary callerFunc, names ...string) *feeds {
	f := &feeds{unary: unary, opened: make(chan string, 100), ended: make(chan string, 100), feed: map[string]chan []byte{}}
	for _, name := range names {
		f.feed[name] = make(chan []byte)
	}
	return f
}

func (f *feeds) Call(ctx context.Context, method string, request []byte) (mem.Buffer, error) {
	return f.unary(ctx, method, request)
}

func (f *feeds) Stream(ctx context.Context, method string, _ []byte, message func(mem.Buffer) error) error {
	name := method[strings.LastIndex(method, "/")+1:]
	f.opened <- name
	defer func() { f.ended <- name }()
	for {
		select {
		case wire, more := <-f.feed[name]:
			if !more {
				return nil
			}
			if err := message(mem.SliceBuffer(wire)); err != nil {
				return err
			}
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
}

// steady is a Caller of streams that send a message again and again.
type steady struct {
	callerFunc
	message mem.Buffer
	times   int
}

func (s *steady) Stream(_ context.Context, _ string, _ []byte, message func(mem.Buffer) error) error {
	for range s.times {
		if err := message(s.message); err != nil {
			return err
		}
	}
	return nil
}

// client is a plan.Client whose messages the test takes one by one.
type client struct {
	rendered []byte
	sent     chan string
	inside   sync.Mutex // held by the one goroutine that may use the client
	t        testing.TB
}

func newClient(t testing.TB) *client { return &client{t: t, sent: make(chan string)} }

func (c *client) Render(wire []byte) error {
	c.alone(func() { c.rendered = append(c.rendered[:0], wire...) })
	return nil
}

func (c *client) Send() error {
	c.alone(func() { c.sent <- string(c.rendered) })
	return nil
}

func (c *client) alone(do func()) {
	if !c.inside.TryLock() {
		c.t.Error("two goroutines use the client at once")
		return
	}
	defer c.inside.Unlock()
	do()
}

// watch makes the program of a plan of Watch whose calls all go to one caller.
func watch(t testing.TB, s *shop, yaml string, caller plan.Caller) *plan.Program {
	t.Helper()
	spec := s.spec(t, "Watch", yaml)
	spec.Safe = true
	spec.Caller = serves(caller)
	p, problems := plan.Compile(spec)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	program, err := p.Prune(nil)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

type outcome struct {
	partial []plan.Partial
	err     error
}

// begin runs a program; its outcome comes by the channel.
func begin(ctx context.Context, program *plan.Program, client plan.Client) chan outcome {
	done := make(chan outcome, 1)
	go func() {
		partial, err := program.Stream(ctx, nil, client)
		done <- outcome{partial, err}
	}()
	return done
}

const twoStreams = `
calls:
  orders: {rpc: shop.v1.OrderService/Stream}
  users: {rpc: shop.v1.UserService/WatchUser, optional: true}
reply: {title: orders.id, owner: users}
`

func TestStreamsAreMerged(t *testing.T) {
	s := newShop(t)
	caller := newFeeds(nil, "Stream", "WatchUser")
	client := newClient(t)
	done := begin(t.Context(), watch(t, s, twoStreams, caller), client)
	const each = 500
	for _, feed := range caller.feed {
		go func() {
			for i := range each {
				feed <- s.wire(t, "shop.v1.Order", fmt.Sprintf(`{"id": "%d"}`, i)) // of a User, too, field 1 is the id
			}
			close(feed)
		}()
	}
	titles, owners := 0, 0
	for range 2 * each {
		switch message := <-client.sent; message {
		case string(s.wire(t, "shop.v1.Home", fmt.Sprintf(`{"title": "%d"}`, titles))):
			titles++
		case string(s.wire(t, "shop.v1.Home", fmt.Sprintf(`{"owner": {"id": "%d"}}`, owners))):
			owners++
		default:
			t.Fatalf("after %d titles and %d owners: %q", titles, owners, message)
		}
	}
	if out := <-done; out.err != nil || out.partial != nil || titles != each || owners != each {
		t.Errorf("%d titles, %d owners, %+v", titles, owners, out)
	}
}

// Streams open at once, but the first message waits for the unary calls, and holds their replies.
func TestFirstMessageWaitsForUnaryCalls(t *testing.T) {
	s := newShop(t)
	reply := make(chan []byte)
	caller := newFeeds(func(context.Context, string, []byte) (mem.Buffer, error) { return mem.SliceBuffer(<-reply), nil }, "Stream", "WatchUser")
	client := newClient(t)
	done := begin(t.Context(), watch(t, s, `
calls:
  orders: {rpc: shop.v1.OrderService/Stream}
  users: {rpc: shop.v1.UserService/WatchUser, request: {id: user.id}}
  user: {rpc: shop.v1.UserService/GetUser}
reply: {title: orders.id, owner: users, user: user}
`, caller), client)
	if first := <-caller.opened; first != "Stream" {
		t.Fatalf("%s was opened before its input was there", first)
	}
	caller.feed["Stream"] <- s.wire(t, "shop.v1.Order", `{"id": "1"}`)
	select {
	case message := <-client.sent:
		t.Fatalf("%q was sent before the unary calls were done", message)
	case reply <- s.wire(t, "shop.v1.User", `{"id": "7"}`):
	}
	if message := s.json(t, "shop.v1.Home", []byte(<-client.sent)); message != `{"user":{"id":"7"},"title":"1"}` {
		t.Errorf("the first message is %s", message)
	}
	<-caller.opened
	close(caller.feed["Stream"])
	close(caller.feed["WatchUser"])
	if out := <-done; out.err != nil {
		t.Error(out.err)
	}
}

// The method's timeout bounds the unary calls, and not the stream.
func TestTimeoutBoundsUnaryCallsOnly(t *testing.T) {
	const yaml = `
timeout: 10ms
calls:
  orders: {rpc: shop.v1.OrderService/Stream}
  user: {rpc: shop.v1.UserService/GetUser}
reply: {title: orders.id, user: user}
`
	s := newShop(t)
	t.Run("unary", func(t *testing.T) {
		caller := newFeeds(func(ctx context.Context, _ string, _ []byte) (mem.Buffer, error) {
			<-ctx.Done()
			return nil, status.FromContextError(ctx.Err()).Err()
		}, "Stream")
		out := <-begin(t.Context(), watch(t, s, yaml, caller), newClient(t))
		if status.Code(out.err) != codes.DeadlineExceeded {
			t.Errorf("got %v", out.err)
		}
	})
	t.Run("stream", func(t *testing.T) {
		var unary context.Context
		caller := newFeeds(func(ctx context.Context, _ string, _ []byte) (mem.Buffer, error) {
			unary = ctx
			return mem.SliceBuffer(nil), nil
		}, "Stream")
		client := newClient(t)
		done := begin(t.Context(), watch(t, s, yaml, caller), client)
		caller.feed["Stream"] <- nil
		<-client.sent
		<-unary.Done() // the timeout is over, or of no use any more
		caller.feed["Stream"] <- nil
		<-client.sent
		close(caller.feed["Stream"])
		if out := <-done; out.err != nil {
			t.Error(out.err)
		}
	})
}

// However a stream ends, the others end with it, and none of its goroutines is left.
func TestStreamEnds(t *testing.T) {
	gone := errors.New("the client is gone")
	for _, test := range []struct {
		name string
		end  func(cancel context.CancelFunc, client *failing)
		want func(error) bool
	}{
		{"the client leaves", func(cancel context.CancelFunc, _ *failing) { cancel() }, func(err error) bool { return status.Code(err) == codes.Canceled }},
		{"the client takes no more", func(_ context.CancelFunc, c *failing) { c.set(nil, gone) }, func(err error) bool { return errors.Is(err, gone) }},
		{"a message cannot be rendered", func(_ context.CancelFunc, c *failing) { c.set(gone, nil) }, func(err error) bool { return errors.Is(err, gone) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			caller := newFeeds(nil, "Stream", "WatchUser")
			program := watch(t, newShop(t), twoStreams, caller)
			before := runtime.NumGoroutine()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			client := &failing{}
			done := begin(ctx, program, client)
			<-caller.opened
			<-caller.opened
			test.end(cancel, client)
			select {
			case caller.feed["Stream"] <- nil:
			case <-ctx.Done():
			}
			if out := <-done; !test.want(out.err) {
				t.Errorf("got %v", out.err)
			}
			if len(caller.ended) != 2 {
				t.Errorf("%d streams have ended, want both", len(caller.ended))
			}
			for patience := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
				if time.Now().After(patience) {
					t.Fatalf("%d goroutines are left of %d", runtime.NumGoroutine(), before)
				}
			}
		})
	}
}

// failing is a client that fails when it is told to.
type failing struct {
	mu           sync.Mutex
	render, send error
}

func (f *failing) set(render, send error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.render, f.send = render, send
}

func (f *failing) Render([]byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.render
}

func (f *failing) Send() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.send
}

func TestStreamPanicIsTheCallers(t *testing.T) {
	caller := newFeeds(nil, "Stream", "WatchUser")
	program := watch(t, newShop(t), twoStreams, caller)
	go func() { caller.feed["Stream"] <- nil }()
	defer func() {
		if p := recover(); p != "boom" {
			t.Errorf("got %v, want the panic of the client", p)
		}
	}()
	_, err := program.Stream(t.Context(), nil, panicking{})
	t.Errorf("got %v, want a panic", err)
}

type panicking struct{}

func (panicking) Render([]byte) error { panic("boom") }
func (panicking) Send() error         { return nil }

func TestStreamIsPassedThrough(t *testing.T) {
	s := newShop(t)
	caller := newFeeds(nil, "Watch")
	client := newClient(t)
	done := begin(t.Context(), watch(t, s, "{}", caller), client)
	for i := range 3 {
		want := s.wire(t, "shop.v1.Home", fmt.Sprintf(`{"unread": %d}`, i))
		go func() { caller.feed["Watch"] <- want }()
		if message := <-client.sent; message != string(want) {
			t.Errorf("got %q, want %q", message, want)
		}
	}
	close(caller.feed["Watch"])
	if out := <-done; out.err != nil {
		t.Error(out.err)
	}
}
