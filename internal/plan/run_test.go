package plan_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/plan"
)

// callerFunc is a plan.Caller.
type callerFunc func(ctx context.Context, method string, request []byte) (mem.Buffer, error)

func (f callerFunc) Call(ctx context.Context, method string, request []byte) (mem.Buffer, error) {
	return f(ctx, method, request)
}

// Stream is a stream of one message.
func (f callerFunc) Stream(ctx context.Context, method string, request []byte, message func(mem.Buffer) error) error {
	reply, err := f(ctx, method, request)
	if err != nil {
		return err
	}
	return message(reply)
}

// compile makes the program of a plan whose calls all go to one caller.
func compile(t testing.TB, s *shop, yaml string, caller plan.Caller) *plan.Program {
	t.Helper()
	spec := s.spec(t, "GetHome", yaml)
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

// serves makes one caller serve every service.
func serves(caller plan.Caller) func(protoreflect.FullName) (plan.Upstream, bool) {
	return func(protoreflect.FullName) (plan.Upstream, bool) {
		return plan.Upstream{Name: "any", Caller: caller, Config: &gatewayv1.Upstream{}}, true
	}
}

// threads is a Caller whose calls wait until the test lets each of them go on.
type threads struct {
	arrived chan string            // the short name of each method that is called
	replies map[string]chan []byte // by short name; a call takes one reply
}

// Stream implements plan.Caller.
func (c *threads) Stream(context.Context, string, []byte, func(mem.Buffer) error) error {
	return status.Error(codes.Unimplemented, "there are no streams")
}

func newThreads(names ...string) *threads {
	c := &threads{arrived: make(chan string, 100), replies: map[string]chan []byte{}}
	for _, name := range names {
		c.replies[name] = make(chan []byte)
	}
	return c
}

func (c *threads) Call(ctx context.Context, method string, _ []byte) (mem.Buffer, error) {
	name := method[strings.LastIndex(method, "/")+1:]
	c.arrived <- name
	select {
	case reply := <-c.replies[name]:
		return mem.SliceBuffer(reply), nil
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
}

// await waits until these calls, in any order, have arrived.
func (c *threads) await(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for range want {
		got = append(got, <-c.arrived)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("called %v, want %v", got, want)
	}
}

func start(ctx context.Context, program *plan.Program) chan error {
	done := make(chan error, 1)
	go func() {
		reply, err := program.Run(ctx, nil)
		if err == nil {
			reply.Release()
		}
		done <- err
	}()
	return done
}

// Two chains of two calls: the second call of one starts although the first of the other is still running, so
// calls do not go in waves.
func TestCallsStartTheMomentTheirInputsAreIn(t *testing.T) {
	caller := newThreads("GetUser", "ListOrders", "Rename", "Count")
	program := compile(t, newShop(t), `
calls:
  user: {rpc: shop.v1.UserService/GetUser}
  renamed: {rpc: shop.v1.UserService/Rename, request: {id: user.id}}
  orders: {rpc: shop.v1.OrderService/ListOrders}
  count: {rpc: shop.v1.NoticeService/Count, request: {user_id: "orders.orders.size() == 0 ? '' : ''"}}
reply: {user: renamed, unread: count.count}
`, caller)
	done := start(t.Context(), program)
	caller.await(t, "GetUser", "ListOrders")
	caller.replies["GetUser"] <- nil
	caller.await(t, "Rename")
	caller.replies["Rename"] <- nil
	caller.replies["ListOrders"] <- nil
	caller.await(t, "Count")
	caller.replies["Count"] <- nil
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestRequiredFailureStopsTheOthersAndKeepsItsDetails(t *testing.T) {
	detailed, err := status.New(codes.FailedPrecondition, "frozen").WithDetails(&errdetails.ErrorInfo{Reason: "FROZEN"})
	if err != nil {
		t.Fatal(err)
	}
	program := compile(t, newShop(t), `
calls:
  user: {rpc: shop.v1.UserService/GetUser}
  orders: {rpc: shop.v1.OrderService/ListOrders, optional: true}
  after: {rpc: shop.v1.NoticeService/Count, request: {user_id: user.id}}
reply: {user: user, maybe: orders.total, unread: after.count}
`, callerFunc(func(ctx context.Context, method string, _ []byte) (mem.Buffer, error) {
		switch {
		case strings.HasSuffix(method, "GetUser"):
			return nil, detailed.Err()
		case strings.HasSuffix(method, "ListOrders"):
			<-ctx.Done()
			return nil, status.FromContextError(ctx.Err()).Err()
		}
		return nil, errors.New("called although what it needs has failed")
	}))
	// Whether ListOrders is called before GetUser has failed is a matter of chance; that it does not go on is not.
	_, got := program.Run(t.Context(), nil)
	if !proto.Equal(status.Convert(got).Proto(), detailed.Proto()) {
		t.Errorf("error = %v, want %v", got, detailed)
	}
}

func TestClientLeaving(t *testing.T) {
	tests := map[string]struct {
		end  func(context.Context) (context.Context, context.CancelFunc)
		want codes.Code
	}{
		"leaves": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithCancel(ctx)
		}, codes.Canceled},
		"deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithDeadline(ctx, time.Unix(0, 0))
		}, codes.DeadlineExceeded},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			caller := newThreads("GetUser", "Count")
			program := compile(t, newShop(t), `
calls:
  user: {rpc: shop.v1.UserService/GetUser, optional: true}
  count: {rpc: shop.v1.NoticeService/Count, fallback: {count: 1}}
reply: {user: user, unread: count.count}
`, caller)
			ctx, end := test.end(t.Context())
			done := start(ctx, program)
			if test.want == codes.Canceled {
				caller.await(t, "GetUser", "Count")
			}
			end()
			if err := <-done; status.Code(err) != test.want {
				t.Errorf("error = %v, want %v", err, test.want)
			}
		})
	}
}

// The deadline of a call is its own; that it passes is a failure of the call, not of the method.
func TestCallTimeout(t *testing.T) {
	program := compile(t, newShop(t), `
calls:
  user: {rpc: shop.v1.UserService/GetUser, optional: true, timeout: 1ns}
reply: {user: user, title: "'still here'"}
`, callerFunc(func(ctx context.Context, _ string, _ []byte) (mem.Buffer, error) {
		<-ctx.Done()
		return nil, status.FromContextError(ctx.Err()).Err()
	}))
	reply, err := program.Run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Release()
	if len(reply.Partial) != 1 || reply.Partial[0].Call != "user" || status.Code(reply.Partial[0].Err) != codes.DeadlineExceeded {
		t.Errorf("partial = %v", reply.Partial)
	}
}

func TestPanicOfACallReachesTheCallerOfRun(t *testing.T) {
	for _, calls := range []int{1, 3} {
		var yaml strings.Builder
		yaml.WriteString("calls:\n")
		for i := range calls {
			fmt.Fprintf(&yaml, "  u%d: {rpc: shop.v1.UserService/GetUser}\n", i)
		}
		yaml.WriteString("reply: {users: [")
		for i := range calls {
			fmt.Fprintf(&yaml, "u%d,", i)
		}
		yaml.WriteString("]}\n")
		program := compile(t, newShop(t), yaml.String(), callerFunc(func(context.Context, string, []byte) (mem.Buffer, error) {
			panic("boom")
		}))
		func() {
			defer func() {
				if got := recover(); got != "boom" {
					t.Errorf("%d calls: recovered %v", calls, got)
				}
			}()
			_, err := program.Run(t.Context(), nil)
			t.Errorf("%d calls: Run returned %v", calls, err)
		}()
	}
}

// At most as many requests of a call are in flight as its concurrency says, and that many are.
func TestConcurrency(t *testing.T) {
	s := newShop(t)
	caller := newThreads("Get")
	program := compile(t, s, `
calls:
  products: {rpc: shop.v1.ProductService/Get, for_each: request.ids, request: {id: each}, concurrency: 2}
reply: {title: "products['a'].title"}
`, caller)
	done := make(chan error, 1)
	request := s.wire(t, "shop.v1.HomeRequest", `{"ids": ["a", "b", "c"]}`)
	go func() {
		reply, err := program.Run(t.Context(), request)
		if err == nil {
			reply.Release()
		}
		done <- err
	}()
	caller.await(t, "Get", "Get")
	select {
	case <-caller.arrived:
		t.Error("a third request is in flight")
	default:
	}
	caller.replies["Get"] <- nil
	caller.await(t, "Get")
	caller.replies["Get"] <- nil
	caller.replies["Get"] <- nil
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestForEachIsBounded(t *testing.T) {
	s := newShop(t)
	program := compile(t, s, `
calls:
  products: {rpc: shop.v1.ProductService/Get, for_each: request.ids, request: {id: each}}
reply: {title: "products['a'].title"}
`, callerFunc(func(context.Context, string, []byte) (mem.Buffer, error) { return mem.SliceBuffer(nil), nil }))
	ids := make([]string, 1001)
	for i := range ids {
		ids[i] = fmt.Sprintf("%q", fmt.Sprint(i))
	}
	run := func(n int) error {
		reply, err := program.Run(t.Context(), s.wire(t, "shop.v1.HomeRequest", `{"ids": [`+strings.Join(ids[:n], ",")+`]}`))
		if err == nil {
			reply.Release()
		}
		return err
	}
	if err := run(1000); err != nil {
		t.Errorf("1000 elements: %v", err)
	}
	if err := run(1001); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("1001 elements: %v", err)
	}
}

// Buffers go back exactly once, whatever happens, and not while the reply is in use.
func TestRepliesAreFreed(t *testing.T) {
	yaml := `
calls:
  user: {rpc: shop.v1.UserService/GetUser}
  products: {rpc: shop.v1.ProductService/Get, for_each: request.ids, request: {id: each}, optional: true}
  count: {rpc: shop.v1.NoticeService/Count, request: {user_id: user.id}}
reply: {user: user, title: "products['a'].title", unread: count.count}
`
	for _, fails := range []string{"", "GetUser", "Get", "Count"} {
		var pool countingPool
		s := newShop(t)
		program := compile(t, s, yaml, callerFunc(func(_ context.Context, method string, _ []byte) (mem.Buffer, error) {
			if fails != "" && strings.HasSuffix(method, "/"+fails) {
				return nil, status.Error(codes.Unavailable, "down")
			}
			return pool.buffer(), nil
		}))
		reply, err := program.Run(t.Context(), s.wire(t, "shop.v1.HomeRequest", `{"ids": ["a", "b"]}`))
		if err == nil {
			if pool.freed() {
				t.Errorf("%q fails: freed while in use", fails)
			}
			reply.Release()
		}
		if !pool.freed() {
			t.Errorf("%q fails: not every reply is freed", fails)
		}
	}
}

// countingPool counts the buffers that are out.
type countingPool struct {
	mu       sync.Mutex
	out, all int
}

func (p *countingPool) buffer() mem.Buffer {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out++
	p.all++
	data := make([]byte, 0, 2048) // mem does not return small buffers to pools
	return mem.NewBuffer(&data, p)
}

func (p *countingPool) Get(length int) *[]byte { data := make([]byte, length); return &data }

func (p *countingPool) Put(*[]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out--
}

func (p *countingPool) freed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out == 0
}

func TestPassThrough(t *testing.T) {
	s := newShop(t)
	var got struct {
		method, selection string
		request           []byte
	}
	spec := s.spec(t, "GetUser", "{}")
	spec.Caller = func(protoreflect.FullName) (plan.Upstream, bool) {
		caller := callerFunc(func(ctx context.Context, method string, request []byte) (mem.Buffer, error) {
			md, _ := metadata.FromOutgoingContext(ctx)
			got.method, got.request, got.selection = method, request, strings.Join(md.Get("x-select"), "|")
			return mem.SliceBuffer("\x0a\x05"), nil // malformed
		})
		return plan.Upstream{Name: "user", Caller: caller, Config: &gatewayv1.Upstream{}}, true
	}
	p, problems := plan.Compile(spec)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	program, err := p.Prune(selection(t, s.message(t, "shop.v1.User"), "name,id"))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := program.Run(t.Context(), []byte("as it is"))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Release()
	if got.method != "/shop.v1.Shop/GetUser" || string(got.request) != "as it is" || got.selection != "id,name" {
		t.Errorf("called %+v", got)
	}
	if string(reply.Wire) != "\x0a\x05" {
		t.Errorf("reply = %q", reply.Wire)
	}
	if _, err := reply.Recheck(); status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "upstream user: malformed reply to shop.v1.Shop/GetUser") {
		t.Errorf("Recheck: %v", err)
	}
}

func TestMalformedRequest(t *testing.T) {
	program := compile(t, newShop(t), `reply: {title: request.user_id}`, nil)
	if _, err := program.Run(t.Context(), []byte("\x0a\x05")); status.Code(err) != codes.InvalidArgument {
		t.Errorf("error = %v", err)
	}
}
