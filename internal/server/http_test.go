package server_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// item is an answer that is right.
func item(context.Context, []byte) ([]byte, error) { return []byte("\x0a\x01a\x12\x01b"), nil }

// failWith makes the upstream answer with a status and its details.
func failWith(t *testing.T, code codes.Code, details ...proto.Message) func(context.Context, []byte) ([]byte, error) {
	t.Helper()
	s := &spb.Status{Code: int32(code), Message: "no"}
	for _, detail := range details {
		if raw, ok := detail.(*anypb.Any); ok {
			s.Details = append(s.Details, raw)
			continue
		}
		packed, err := anypb.New(detail)
		if err != nil {
			t.Fatal(err)
		}
		s.Details = append(s.Details, packed)
	}
	return func(context.Context, []byte) ([]byte, error) { return nil, status.ErrorProto(s) }
}

func TestErrorsOverHTTP(t *testing.T) {
	s := startShop(t)
	for name, test := range map[string]struct {
		details []proto.Message
		accept  string
		media   string // application/json if it is ""
		want    string
		after   string // Retry-After
	}{
		"a plain status": {want: `{"code":503,"reason":"UNAVAILABLE","message":"no","metadata":{}}`},
		"ErrorInfo is reason and metadata": {
			details: []proto.Message{&errdetails.ErrorInfo{Reason: "CLOSED", Domain: "shop", Metadata: map[string]string{"day": "Sunday"}}},
			want:    `{"code":503,"reason":"CLOSED","message":"no","metadata":{"day":"Sunday"}}`,
		},
		"the second ErrorInfo is a detail": {
			details: []proto.Message{&errdetails.ErrorInfo{Reason: "A"}, &errdetails.ErrorInfo{Reason: "B"}},
			want:    `{"code":503,"reason":"A","message":"no","metadata":{},"details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"B"}]}`,
		},
		"RetryInfo is rounded up": {
			details: []proto.Message{&errdetails.RetryInfo{RetryDelay: durationpb.New(1001 * time.Millisecond)}},
			want:    `{"code":503,"reason":"UNAVAILABLE","message":"no","metadata":{},"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.001s"}]}`,
			after:   "2",
		},
		"RetryInfo of ages": {
			details: []proto.Message{&errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: 315_576_000_000}}},
			want:    `{"code":503,"reason":"UNAVAILABLE","message":"no","metadata":{},"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"315576000000s"}]}`,
			after:   "315576000000",
		},
		"RetryInfo that says nothing": {
			details: []proto.Message{&errdetails.RetryInfo{}},
			want:    `{"code":503,"reason":"UNAVAILABLE","message":"no","metadata":{},"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo"}]}`,
		},
		"a detail of an unknown type": {
			details: []proto.Message{&anypb.Any{TypeUrl: "type.googleapis.com/a.B", Value: []byte{1, 2}}},
			want:    `{"code":503,"reason":"UNAVAILABLE","message":"no","metadata":{},"details":[{"@type":"type.googleapis.com/a.B","value":"AQI="}]}`,
		},
		"a detail that is broken": {
			details: []proto.Message{&anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.RetryInfo", Value: []byte{0xff}}},
			want:    `{"code":503,"reason":"UNAVAILABLE","message":"no","metadata":{},"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","value":"/w=="}]}`,
		},
		"problem+json": {
			accept: "text/html;q=0.1, application/problem+json; q=0.9", media: "application/problem+json",
			details: []proto.Message{&errdetails.ErrorInfo{Reason: "CLOSED"}},
			want:    `{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"no","reason":"CLOSED"}`,
		},
		"problem+json that is not wanted": {
			accept: "application/problem+json;q=0", want: `{"code":503,"reason":"UNAVAILABLE","message":"no","metadata":{}}`,
		},
	} {
		s.stock.set(failWith(t, codes.Unavailable, test.details...))
		got := s.get(t, "/required/1", "Accept", test.accept)
		media := test.media
		if media == "" {
			media = "application/json"
		}
		body := bodyOf(t, got)
		if got.StatusCode != http.StatusServiceUnavailable || body != test.want || got.Header.Get("Content-Type") != media || got.Header.Get("Retry-After") != test.after {
			t.Errorf("%s: got %d %s Retry-After %q %s\nwant %s Retry-After %q %s", name, got.StatusCode,
				got.Header.Get("Content-Type"), got.Header.Get("Retry-After"), body, media, test.after, test.want)
		}
	}
}

// What a client sends beside the request stays with the gateway.
func TestClientHeadersStayHere(t *testing.T) {
	s := startShop(t)
	s.stock.set(item)
	headers := []string{
		"X-User-Id", "1", "X-Md-Global-A", "1", "X-Md-Local-A", "1", "Tenant-Code", "1", "X-Env", "gray", "X-Abtest", "a=b",
		"Authorization", "Bearer secret", "Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Cookie", "a=b",
		"X-Select", "item.id", "Grpc-Timeout", "5S", "Grpc-Metadata-A", "b", "X-Forwarded-For", "1.2.3.4", "User-Agent", "curl", "Baggage", "a=b",
	}
	check := func(path string) {
		t.Helper()
		s.stock.mu.Lock()
		defer s.stock.mu.Unlock()
		for name, values := range s.stock.seen {
			switch name {
			case ":authority", "content-type", "user-agent", "grpc-accept-encoding", "x-select":
				continue
			}
			t.Errorf("%s: the upstream saw %s %q", path, name, values)
		}
		if agent := strings.Join(s.stock.seen["user-agent"], ""); strings.Contains(agent, "curl") {
			t.Errorf("%s: the upstream saw the client's user agent, %q", path, agent)
		}
	}
	if got := s.get(t, "/required/1", headers...); got.StatusCode != http.StatusOK {
		t.Fatal(bodyOf(t, got))
	}
	check("/required/1")
	md := metadata.MD{}
	for i := 0; i < len(headers); i += 2 {
		if name := strings.ToLower(headers[i]); !strings.HasPrefix(name, "grpc-") {
			md.Append(name, headers[i+1])
		}
	}
	if _, _, err := s.call(metadata.NewOutgoingContext(t.Context(), md), t, "shop.v1.Shop/Required", []byte("\x0a\x011")); err != nil {
		t.Fatal(err)
	}
	check("gRPC")
}

// Header fields of one name are one list, whoever has joined them.
func TestSelectionInSeveralHeaders(t *testing.T) {
	s := startShop(t)
	s.stock.set(item)
	if body := bodyOf(t, s.get(t, "/passed/1", "X-Select", "id", "X-Select", "title")); body != `{"id":"a","title":"b"}` {
		t.Errorf("got %s", body)
	}
}

func TestClientLeaves(t *testing.T) {
	s := startShop(t)
	entered, left := make(chan struct{}), make(chan struct{})
	s.stock.set(func(ctx context.Context, _ []byte) ([]byte, error) {
		close(entered)
		<-ctx.Done()
		close(left)
		return nil, ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	got := s.do(httptest.NewRequestWithContext(ctx, http.MethodGet, "/optional/1", nil))
	if body := bodyOf(t, got); got.StatusCode != 499 || body != "" {
		t.Errorf("got %d %s", got.StatusCode, body)
	}
	select {
	case <-left:
	case <-time.After(10 * time.Second):
		t.Error("the upstream's call goes on")
	}
}
