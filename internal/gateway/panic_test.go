package gateway_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"github.com/go-kratos/kratos/v2/log"
	"github.com/go-kratos/kratos/v2/transport"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"facet/internal/gateway"
	"facet/internal/snapshot"
	"facet/internal/upstream"
)

const helloProto = `syntax = "proto3";
package hello.v1;
service Hello { rpc Say(Text) returns (Text) {} }
message Text { string text = 1; }
`

// notes is a logger that keeps what it is told.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Log(_ log.Level, keyvals ...any) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	fmt.Fprintln(&n.text, keyvals...)
	return nil
}

// A panic is the failure of its request, and is logged without what the client sent.
func TestPanic(t *testing.T) {
	logged := &notes{}
	before := log.GetLogger()
	log.SetLogger(logged)
	t.Cleanup(func() { log.SetLogger(before) })
	snap, problems := snapshot.Build(t.Context(), []snapshot.Document{
		{Name: "hello.proto", Data: []byte(helloProto)},
		{Name: "hello.yaml", Data: []byte("methods: {hello.v1.Hello/Say: {reply: {text: request.text}}}\n")},
	}, upstream.NewPool())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	holder := &snapshot.Holder{}
	holder.Publish(snap)
	t.Cleanup(func() { holder.Publish(nil) })
	gw := gateway.New(holder)

	call := &gateway.Call{
		Protocol: transport.KindGRPC,
		Header:   gateway.Header{"authorization": {"Bearer secret"}},
		RPC:      "hello.v1.Hello/Say",
		ReadBody: func(int) ([]byte, error) { panic("boom") },
	}
	if err := gw.Serve(t.Context(), call); status.Code(err) != codes.Internal {
		t.Errorf("got %v, want INTERNAL", err)
	}
	for _, want := range []string{"boom", "hello.v1.Hello/Say", "panic_test.go"} {
		if !bytes.Contains(logged.text.Bytes(), []byte(want)) {
			t.Errorf("the log does not hold %s: %s", want, &logged.text)
		}
	}
	if bytes.Contains(logged.text.Bytes(), []byte("secret")) {
		t.Errorf("the log holds a credential: %s", &logged.text)
	}

	call.ReadBody = func(int) ([]byte, error) { return []byte("\x0a\x01a"), nil }
	if err := gw.Serve(t.Context(), call); err != nil || string(call.Reply) != "\x0a\x01a" {
		t.Errorf("after the panic: got %q %v", call.Reply, err)
	}
}
