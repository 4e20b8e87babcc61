package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// The ways to ask for a stream. Each returns what the client sees as lines: the ids of the messages, and how it ended.
var streamProtocols = map[string]func(t *testing.T, s *shop, url, method string) []string{
	"gRPC":          overGRPC,
	"gRPC-Web":      func(t *testing.T, _ *shop, url, method string) []string { return overWeb(t, url, method, false) },
	"gRPC-Web text": func(t *testing.T, _ *shop, url, method string) []string { return overWeb(t, url, method, true) },
	"NDJSON":        overLines,
	"SSE":           overEvents,
}

func overGRPC(t *testing.T, s *shop, _, method string) (seen []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	stream, err := s.conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/shop.v1.Stock/"+method, grpc.ForceCodecV2(bytesCodec{}))
	if err != nil {
		t.Fatal(err)
	}
	request := []byte("\x0a\x011")
	if err := stream.SendMsg(&request); err != nil {
		t.Fatal(err)
	}
	_ = stream.CloseSend() // RecvMsg tells why
	for {
		var message []byte
		if err := stream.RecvMsg(&message); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return append(seen, status.Code(err).String())
		}
		seen = append(seen, string(message[2:]))
	}
}

func overWeb(t *testing.T, url, method string, text bool) (seen []string) {
	t.Helper()
	reply := webRequest{method: "shop.v1.Stock/" + method, body: webFrame(0, "\x0a\x011"), text: text}.send(t, url)
	if reply.Broken != "" {
		t.Error(reply.Broken)
	}
	for _, message := range reply.Messages {
		seen = append(seen, message[4:])
	}
	var code codes.Code
	if fields := strings.Join(reply.Trailer, "") + "grpc-status: " + reply.Header.Get("Grpc-Status"); true {
		_, number, _ := strings.Cut(fields, "grpc-status: ")
		if _, err := fmt.Sscan(number, (*uint32)(&code)); err != nil {
			t.Error(err)
		}
	}
	return append(seen, code.String())
}

// envelope is one line of NDJSON.
type envelope struct {
	Result *struct{ ID string }
	Error  *struct{ Reason string }
	End    *struct{}
}

func overLines(t *testing.T, _ *shop, url, method string) (seen []string) {
	t.Helper()
	return overHTTP(t, url, method, "", "application/x-ndjson", func(body *bufio.Scanner) {
		for body.Scan() {
			var line envelope
			if err := json.Unmarshal(body.Bytes(), &line); err != nil {
				t.Fatal(err)
			}
			switch {
			case line.Result != nil:
				seen = append(seen, line.Result.ID)
			case line.Error != nil:
				seen = append(seen, line.Error.Reason)
			case line.End != nil:
				seen = append(seen, "OK")
			}
		}
	}, &seen)
}

func overEvents(t *testing.T, _ *shop, url, method string) (seen []string) {
	t.Helper()
	event := "message"
	return overHTTP(t, url, method, "text/event-stream", "text/event-stream", func(body *bufio.Scanner) {
		for body.Scan() {
			name, value, _ := strings.Cut(body.Text(), ": ")
			var data struct{ ID, Reason string }
			switch name {
			case "event":
				event = value
			case "data":
				if err := json.Unmarshal([]byte(value), &data); err != nil {
					t.Fatal(err)
				}
				seen = append(seen, map[string]string{"message": data.ID, "error": data.Reason, "end": "OK"}[event])
				event = "message"
			}
		}
	}, &seen)
}

func overHTTP(t *testing.T, url, method, accept, media string, read func(*bufio.Scanner), seen *[]string) []string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/"+strings.ToLower(method)+"/1", nil)
	if err != nil {
		t.Fatal(err)
	}
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		var failure struct{ Reason string }
		if err := json.NewDecoder(reply.Body).Decode(&failure); err != nil {
			t.Fatal(err)
		}
		return []string{failure.Reason}
	}
	if got := reply.Header.Get("Content-Type"); got != media {
		t.Errorf("got the content type %s, want %s", got, media)
	}
	body := bufio.NewScanner(reply.Body)
	read(body)
	if err := body.Err(); err != nil {
		t.Error(err)
	}
	return *seen
}

// codeNames are how gRPC clients spell the codes that HTTP clients see as reasons.
var codeNames = map[string]string{"UNAVAILABLE": "Unavailable", "NOT_FOUND": "NotFound"}

// Every protocol shows a client the same stream.
func TestStreams(t *testing.T) {
	s := startShop(t)
	front := httptest.NewServer(s.handler)
	t.Cleanup(front.Close)
	for name, test := range map[string]struct {
		messages []string
		err      error
		want     []string
	}{
		"messages":             {[]string{"a", "b", "c"}, nil, []string{"a", "b", "c", "OK"}},
		"one message":          {[]string{"a"}, nil, []string{"a", "OK"}},
		"none":                 {nil, nil, []string{"OK"}},
		"refused":              {nil, status.Error(codes.NotFound, "no"), []string{"NotFound"}},
		"an error, at the end": {[]string{"a", "b"}, status.Error(codes.Unavailable, "down"), []string{"a", "b", "Unavailable"}},
	} {
		s.stock.setStream(func(_ context.Context, _ []byte, send func(string) error) error {
			for _, id := range test.messages {
				if err := send("\x0a\x01" + id); err != nil {
					return err
				}
			}
			return test.err
		})
		for protocol, ask := range streamProtocols {
			got := ask(t, s, front.URL, "Watch")
			for i, line := range got {
				if code, ok := codeNames[line]; ok {
					got[i] = code
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s over %s: (-want +got)\n%s", name, protocol, diff)
			}
		}
	}
}

// A message leaves when it is there, and a client that leaves ends the upstream's stream.
func TestStreamIsLive(t *testing.T) {
	s := startShop(t)
	front := httptest.NewServer(s.handler)
	t.Cleanup(front.Close)
	for name, header := range map[string][2]string{
		"NDJSON":        {"Accept", "application/x-ndjson"},
		"SSE":           {"Accept", "text/event-stream"},
		"gRPC-Web":      {"Content-Type", "application/grpc-web"},
		"gRPC-Web text": {"Content-Type", "application/grpc-web-text"},
	} {
		next, left := make(chan struct{}), make(chan struct{})
		s.stock.setStream(func(ctx context.Context, _ []byte, send func(string) error) error {
			defer close(left)
			for {
				if err := send("\x0a\x01a"); err != nil {
					return err
				}
				select {
				case <-next:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		method, path, body := http.MethodGet, "/watch/1", ""
		switch header[1] {
		case "application/grpc-web":
			method, path, body = http.MethodPost, "/shop.v1.Stock/Watch", webFrame(0, "")
		case "application/grpc-web-text":
			method, path, body = http.MethodPost, "/shop.v1.Stock/Watch", "AAAAAAA=" // a frame without a message
		}
		r, err := http.NewRequestWithContext(ctx, method, front.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(header[0], header[1])
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 100)
		for range 3 {
			if _, err := reply.Body.Read(buffer); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			next <- struct{}{}
		}
		cancel()
		select {
		case <-left:
		case <-time.After(10 * time.Second):
			t.Errorf("%s: the upstream's stream goes on", name)
		}
		_ = reply.Body.Close()
	}
}

// A stream that goes on without a part says so at its end.
func TestPartialStream(t *testing.T) {
	s := startShop(t)
	front := httptest.NewServer(s.handler)
	t.Cleanup(front.Close)
	s.stock.setStream(func(_ context.Context, request []byte, send func(string) error) error {
		if strings.Contains(string(request), "others") {
			return status.Error(codes.Unavailable, "down")
		}
		return send("\x0a\x01a")
	})
	const want = "others;reason=UNAVAILABLE"
	if got := s.invoke(t, "shop.v1.Shop/Live"); got.err != nil || len(got.messages) != 1 || strings.Join(got.trailer["x-facet-partial"], "") != want {
		t.Errorf("gRPC: got %q %v, trailer %v", got.messages, got.err, got.trailer)
	}
	for _, text := range []bool{false, true} {
		got := webRequest{method: "shop.v1.Shop/Live", body: webFrame(0, "\x0a\x011"), text: text}.send(t, front.URL)
		if len(got.Messages) != 1 || !slices.Contains(got.Trailer, "x-facet-partial: "+want+"\r\n") {
			t.Errorf("gRPC-Web, text %t: got %+v", text, got)
		}
	}
	for accept, want := range map[string]string{
		"":                  `{"result":{"name":"","item":{"id":"a","title":"","sizes":[],"byName":{}},"title":"","text":""}}` + "\n" + `{"end":{"partial":"others;reason=UNAVAILABLE"}}` + "\n",
		"text/event-stream": `data: {"name":"","item":{"id":"a","title":"","sizes":[],"byName":{}},"title":"","text":""}` + "\n\nevent: end\n" + `data: {"partial":"others;reason=UNAVAILABLE"}` + "\n\n",
	} {
		if got := bodyOf(t, s.get(t, "/live/1", "Accept", accept)); got != want {
			t.Errorf("%s: got %s, want %s", accept, got, want)
		}
	}
}
