package upstream_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func TestCallCarriesBytesOfAnySize(t *testing.T) {
	u := open(t, static(serve(t, echo)))
	random := rand.NewChaCha8([32]byte{})
	// Around the sizes where buffers are pooled, and where a message takes several frames.
	for _, size := range []int{0, 1, 255, 1023, 1024, 1025, 4095, 4096, 4097, 16379, 16384, 16385, 65536, 1 << 20, 4<<20 - 16} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			request := make([]byte, size)
			random.Read(request)
			reply, err := call(t, u, request)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(reply, request) {
				t.Errorf("the reply of %d bytes is not the request of %d bytes", len(reply), len(request))
			}
		})
	}
}

func TestCallSendsMethodAndMetadata(t *testing.T) {
	u := open(t, static(serve(t, func(ctx context.Context, method string, _ []byte) ([]byte, error) {
		md, _ := metadata.FromIncomingContext(ctx)
		_, hasDeadline := ctx.Deadline()
		return fmt.Appendf(nil, "%s %s %s %v", method, md.Get("x-env"), md.Get("user-agent"), hasDeadline), nil
	})))
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(t.Context(), "x-env", "gray"), patience)
	defer cancel()
	reply, err := u.Call(ctx, "/user.v1.UserService/GetUser", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Free()
	got := string(reply.ReadOnlyData())
	if !strings.HasPrefix(got, "/user.v1.UserService/GetUser [gray] [facet ") || !strings.HasSuffix(got, " true") {
		t.Errorf("the upstream saw %q", got)
	}
}

func TestCallRefusesContextWithoutDeadline(t *testing.T) {
	u := open(t, static(serve(t, echo)))
	_, err := u.Call(context.WithoutCancel(t.Context()), "/user.v1.UserService/GetUser", nil)
	if status.Code(err) != codes.Internal || !strings.Contains(err.Error(), "without a deadline") {
		t.Errorf("got %v", err)
	}
}

// The caller reuses its request, and the replies of other calls come and go, while a reply is held.
func TestConcurrentCallsDoNotShareBytes(t *testing.T) {
	u := open(t, static(serve(t, echo)))
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 0))
			request := make([]byte, 40<<10)
			for range 100 {
				part := request[:random.IntN(len(request))]
				for i := range part {
					part[i] = byte(random.Uint32())
				}
				want := slices.Clone(part)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				reply, err := u.Call(ctx, "/user.v1.UserService/GetUser", part)
				cancel()
				clear(request)
				if err != nil {
					t.Error(err)
					return
				}
				if !bytes.Equal(reply.ReadOnlyData(), want) {
					t.Error("the reply is not the request")
				}
				reply.Free()
			}
		})
	}
	wg.Wait()
}

func TestCallsAreBalanced(t *testing.T) {
	name := func(name string) handler {
		return func(context.Context, string, []byte) ([]byte, error) { return []byte(name), nil }
	}
	u := open(t, static(serve(t, name("a"))+","+serve(t, name("b"))))
	seen := map[string]int{}
	eventually(t, "both addresses are called", func() bool {
		reply, err := call(t, u, nil)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(reply)]++
		return len(seen) == 2
	})
	clear(seen)
	for range 10 {
		reply, err := call(t, u, nil)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(reply)]++
	}
	if seen["a"] != 5 || seen["b"] != 5 {
		t.Errorf("ten calls went %v", seen)
	}
}

func TestCallByName(t *testing.T) {
	_, port, _ := strings.Cut(serve(t, echo), ":")
	config := static("")
	config.Target = "dns:///localhost:" + port
	reply, err := call(t, open(t, config), []byte("hello"))
	if err != nil || string(reply) != "hello" {
		t.Errorf("got %q, %v", reply, err)
	}
}
