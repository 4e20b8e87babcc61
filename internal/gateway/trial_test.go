package gateway_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/go-kratos/kratos/v2/transport"

	"facet/internal/canary"
	"facet/internal/gateway"
	"facet/internal/snapshot"
	"facet/internal/upstream"
)

const textProto = `syntax = "proto3";
package text.v1;
import "google/api/annotations.proto";
service Texts {
  rpc Get(Text) returns (Text) { option (google.api.http) = {get: "/get"}; }
  rpc Post(Text) returns (Text) { option (google.api.http) = {post: "/post"}; }
}
message Text { string text = 1; }
`

// texts are documents that answer a text.
func texts(t testing.TB, text string) *snapshot.Snapshot {
	t.Helper()
	snap, problems := snapshot.Build(t.Context(), []snapshot.Document{
		{Name: "text.proto", Data: []byte(textProto)},
		{Name: "text.yaml", Data: fmt.Appendf(nil, "methods:\n  text.v1.Texts/Get: {reply: {text: \"'%[1]s'\"}}\n  text.v1.Texts/Post: {reply: {text: \"'%[1]s'\"}}\n", text)},
	}, upstream.NewPool())
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return snap
}

func startTrial(t testing.TB, header string) *gateway.Gateway {
	t.Helper()
	holder := &snapshot.Holder{}
	holder.Publish(texts(t, "live"))
	gw := gateway.New(holder)
	trial := canary.NewTrial(texts(t, "candidate"), canary.Settings{BasisPoints: 5000, Header: header}, time.Now())
	gw.Try(trial)
	t.Cleanup(func() { trial.End(); holder.Publish(nil) })
	return gw
}

// What is one unit is on one side, and units are spread over both.
func TestUnitsOfTrials(t *testing.T) {
	const requests = 200
	for _, test := range []struct {
		name, header string
		call         func(i int) gateway.Call
		spread       bool
	}{
		{"one URL is one unit", "", func(int) gateway.Call {
			return gateway.Call{HTTPMethod: http.MethodGet, Path: "/get", Query: "text=a"}
		}, false},
		{"URLs", "", func(i int) gateway.Call {
			return gateway.Call{HTTPMethod: http.MethodGet, Path: "/get", Query: fmt.Sprint("text=", i)}
		}, true},
		{"what is posted to one path", "", func(int) gateway.Call { return gateway.Call{HTTPMethod: http.MethodPost, Path: "/post"} }, true},
		{"gRPC", "", func(int) gateway.Call { return gateway.Call{RPC: "text.v1.Texts/Get"} }, true},
		{"one user is one unit", "x-user", func(int) gateway.Call {
			return gateway.Call{HTTPMethod: http.MethodPost, Path: "/post", Header: gateway.Header{"x-user": {"lin"}}}
		}, false},
		{"one user of gRPC", "x-user", func(int) gateway.Call {
			return gateway.Call{RPC: "text.v1.Texts/Get", Header: gateway.Header{"x-user": {"lin"}}}
		}, false},
		{"users", "x-user", func(i int) gateway.Call {
			return gateway.Call{HTTPMethod: http.MethodGet, Path: "/get", Header: gateway.Header{"x-user": {fmt.Sprint(i)}}}
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			gw := startTrial(t, test.header)
			replies := map[string]int{}
			for i := range requests {
				call := test.call(i)
				call.Protocol = transport.KindHTTP
				if call.Header == nil {
					call.Header = gateway.Header{}
				}
				call.ReadBody = func(int) ([]byte, error) { return nil, nil }
				if err := gw.Serve(t.Context(), &call); err != nil {
					t.Fatal(err)
				}
				replies[string(call.Reply)]++
			}
			if spread := len(replies) == 2; spread != test.spread {
				t.Errorf("got %v", replies)
			}
		})
	}
}

// BenchmarkServe is what a request costs without a trial, and while there is one.
func BenchmarkServe(b *testing.B) {
	gw := startTrial(b, "x-user")
	for _, trial := range []string{"during", "without"} {
		if trial == "without" {
			gw.Try(nil)
		}
		b.Run(trial, func(b *testing.B) {
			b.ReportAllocs()
			call := &gateway.Call{ReadBody: func(int) ([]byte, error) { return nil, nil }}
			header := gateway.Header{"x-user": {"lin"}}
			for b.Loop() {
				call.Reset()
				call.HTTPMethod, call.Path, call.Header = http.MethodGet, "/get", header
				if err := gw.Serve(b.Context(), call); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
