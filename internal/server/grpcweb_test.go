package server_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// webFrame returns a frame of gRPC-Web.
func webFrame(flags byte, payload string) string {
	head := binary.BigEndian.AppendUint32([]byte{flags}, uint32(len(payload)))
	return string(head) + payload
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text)) // it does not fail
	_ = w.Close()
	return b.String()
}

// webReply is a reply of gRPC-Web, taken apart.
type webReply struct {
	Status   int
	Header   http.Header
	Messages []string
	Trailer  []string // sorted; nil if there is none
	Broken   string   // what is wrong with the body
}

// takeApart reads a reply.
func takeApart(t *testing.T, r *http.Response) webReply {
	t.Helper()
	reply := webReply{Status: r.StatusCode, Header: r.Header}
	body := []byte(bodyOf(t, r))
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc-web-text") {
		body = decodeText(t, string(body))
	}
	for len(body) > 0 {
		if len(body) < 5 || reply.Trailer != nil {
			reply.Broken = fmt.Sprintf("the body has more: %q", body)
			return reply
		}
		size := int(binary.BigEndian.Uint32(body[1:]))
		flags, payload := body[0], body[5:5+size]
		body = body[5+size:]
		if flags&0x80 != 0 {
			reply.Trailer = slices.Sorted(slices.Values(strings.SplitAfter(string(payload), "\r\n")))
			continue
		}
		if flags&1 != 0 {
			reader, err := gzip.NewReader(bytes.NewReader(payload))
			if err != nil {
				t.Fatal(err)
			}
			if payload, err = io.ReadAll(reader); err != nil {
				t.Fatal(err)
			}
		}
		reply.Messages = append(reply.Messages, fmt.Sprintf("%d %s", flags, payload))
	}
	return reply
}

// decodeText decodes base64 of which every piece may be padded.
func decodeText(t *testing.T, text string) (body []byte) {
	t.Helper()
	for ; len(text) >= 4; text = text[4:] {
		piece, err := base64.StdEncoding.DecodeString(text[:4])
		if err != nil {
			t.Fatal(err)
		}
		body = append(body, piece...)
	}
	if text != "" {
		t.Fatalf("%q is left of the base64", text)
	}
	return body
}

// webRequest is one request to the bridge and to the oracle.
type webRequest struct {
	method, body string
	header       []string
	text         bool
}

func (q webRequest) send(t *testing.T, url string) webReply {
	t.Helper()
	media, body := "application/grpc-web+proto", q.body
	if q.text {
		media, body = "application/grpc-web-text+proto", base64.StdEncoding.EncodeToString([]byte(q.body))
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/"+q.method, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", media)
	for i := 0; i < len(q.header); i += 2 {
		r.Header.Add(q.header[i], q.header[i+1])
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return takeApart(t, reply)
}

// equalHeaders are the headers in which the bridge equals the oracle. The others: the oracle names the trailers that it sends
// in `Trailer`, and exposes headers to origins that are not allowed; the bridge says how long a unary reply is.
func equalHeaders(header http.Header) http.Header {
	kept := http.Header{}
	for _, name := range []string{"Content-Type", "Grpc-Encoding", "X-Facet-Partial", "Grpc-Status", "Grpc-Message", "Grpc-Status-Details-Bin"} {
		if values := header[name]; values != nil {
			kept[name] = values
		}
	}
	return kept
}

func TestGRPCWebEqualsOracle(t *testing.T) {
	s := startShop(t)
	bridge, oracle := httptest.NewServer(s.handler), httptest.NewServer(s.oracle)
	t.Cleanup(bridge.Close)
	t.Cleanup(oracle.Close)
	const required, optional = "shop.v1.Shop/Required", "shop.v1.Shop/Optional"
	one := webFrame(0, "\x0a\x011")
	failing := func(code codes.Code, message string) func(context.Context, []byte) ([]byte, error) {
		return func(context.Context, []byte) ([]byte, error) { return nil, status.Error(code, message) }
	}
	for name, test := range map[string]struct {
		webRequest
		stock func(context.Context, []byte) ([]byte, error)
	}{
		"a message":         {webRequest{method: required, body: one}, item},
		"passed through":    {webRequest{method: "shop.v1.Stock/Get", body: one}, item},
		"selected":          {webRequest{method: required, body: one, header: []string{"X-Select", "item.id"}}, item},
		"selected nothing":  {webRequest{method: required, body: one, header: []string{"X-Select", "()"}}, item},
		"a wrong selection": {webRequest{method: required, body: one, header: []string{"X-Select", "itm"}}, item},
		"an empty message":  {webRequest{method: required, body: webFrame(0, "")}, item},
		"no message":        {webRequest{method: required}, item},
		"two messages":      {webRequest{method: required, body: one + one}, item},
		"malformed":         {webRequest{method: required, body: webFrame(0, "\x0a\x05a")}, item},
		"compressed":        {webRequest{method: required, body: webFrame(1, gzipped("\x0a\x011")), header: []string{"Grpc-Encoding", "gzip"}}, item},
		"compressed not":    {webRequest{method: required, body: one, header: []string{"Grpc-Encoding", "gzip"}}, item},
		"compressed, empty": {webRequest{method: required, body: webFrame(0, ""), header: []string{"Grpc-Encoding", "gzip", "X-Select", "()"}}, item},
		"too large":         {webRequest{method: required, body: webFrame(0, "\x0a\x80\x80\x80\x02"+strings.Repeat("x", 4<<20))}, item},
		"too large, inside": {webRequest{
			method: required, body: webFrame(1, gzipped("\x0a\x80\x80\x80\x02"+strings.Repeat("x", 4<<20))), header: []string{"Grpc-Encoding", "gzip"},
		}, item},
		"partial":         {webRequest{method: optional, body: one}, failing(codes.Unavailable, "down")},
		"an error":        {webRequest{method: required, body: one}, failing(codes.NotFound, "no 100% \"größe\"\r\nx: y\x7f")},
		"with details":    {webRequest{method: required, body: one}, failWith(t, codes.AlreadyExists, &errdetails.ErrorInfo{Reason: "TWICE"}, &errdetails.Help{})},
		"without message": {webRequest{method: required, body: one}, failing(codes.Aborted, "")},
		"not served":      {webRequest{method: "shop.v1.Stock/List", body: one}, item},
		"no service":      {webRequest{method: "a.B/C", body: one}, item},
	} {
		for _, test.text = range []bool{false, true} {
			s.stock.set(test.stock)
			got, want := test.send(t, bridge.URL), test.send(t, oracle.URL)
			got.Header, want.Header = equalHeaders(got.Header), equalHeaders(want.Header)
			if diff := cmp.Diff(want, got); diff != "" || got.Broken != "" {
				t.Errorf("%s, text %t: (-oracle +bridge)\n%s", name, test.text, diff)
			}
		}
	}
}

// The client's deadline is that of the call.
func TestGRPCWebDeadline(t *testing.T) {
	s := startShop(t)
	s.stock.set(func(ctx context.Context, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	bridge := httptest.NewServer(s.handler)
	t.Cleanup(bridge.Close)
	for timeout, want := range map[string]string{"50m": "4", "tomorrow": "3"} {
		request := webRequest{method: "shop.v1.Stock/Get", body: webFrame(0, ""), header: []string{"Grpc-Timeout", timeout}}
		if got := request.send(t, bridge.URL); got.Header.Get("Grpc-Status") != want {
			t.Errorf("%s: got %v, want the status %s", timeout, got, want)
		}
	}
}

// What is no request of gRPC-Web is refused as HTTP.
func TestGRPCWebRefused(t *testing.T) {
	s := startShop(t)
	for name, test := range map[string]struct {
		method, media string
		status        int
		header        string
	}{
		"GET":         {http.MethodGet, "application/grpc-web", http.StatusMethodNotAllowed, http.MethodPost},
		"JSON":        {http.MethodPost, "application/grpc-web+json", http.StatusUnsupportedMediaType, ""},
		"broken type": {http.MethodPost, "application/grpc-web;;", http.StatusUnsupportedMediaType, ""},
		"longer type": {http.MethodPost, "application/grpc-webs", http.StatusUnsupportedMediaType, ""},
	} {
		r := httptest.NewRequestWithContext(t.Context(), test.method, "/shop.v1.Stock/Get", strings.NewReader(webFrame(0, "")))
		r.Header.Set("Content-Type", test.media)
		got := s.do(r)
		if body := bodyOf(t, got); got.StatusCode != test.status || got.Header.Get("Allow") != test.header {
			t.Errorf("%s: got %d, Allow %q, %s", name, got.StatusCode, got.Header.Get("Allow"), body)
		}
	}
}

// The HTTP port speaks HTTP/2 without TLS, too.
func TestGRPCWebOverHTTP2(t *testing.T) {
	s := startShop(t)
	s.stock.set(item)
	s.stock.setStream(func(_ context.Context, _ []byte, send func(string) error) error { return send("\x0a\x01a") })
	front := s.http
	endpoint, err := front.Endpoint()
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan error, 1)
	go func() { started <- front.Start(context.Background()) }()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}}
	for _, method := range []string{"shop.v1.Stock/Get", "shop.v1.Stock/Watch"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+endpoint.Host+"/"+method, strings.NewReader(webFrame(0, "\x0a\x011")))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/grpc-web")
		reply, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := takeApart(t, reply); reply.ProtoMajor != 2 || len(got.Messages) != 1 || !slices.Equal(got.Trailer, []string{"", "grpc-status: 0\r\n"}) {
			t.Errorf("%s: got %s %v", method, reply.Proto, got)
		}
	}
	client.CloseIdleConnections()
	if err := front.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	<-started
}

// writes counts the writes of a reply.
type writes struct {
	*httptest.ResponseRecorder
	n int
}

func (w *writes) Write(p []byte) (int, error) {
	w.n++
	return w.ResponseRecorder.Write(p)
}

func TestGRPCWebWritesOnce(t *testing.T) {
	s := startShop(t)
	s.stock.set(item)
	for _, media := range []string{"application/grpc-web", "application/grpc-web-text"} {
		body := webFrame(0, "\x0a\x011")
		if strings.HasSuffix(media, "text") {
			body = base64.StdEncoding.EncodeToString([]byte(body))
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/shop.v1.Shop/Required", strings.NewReader(body))
		r.Header.Set("Content-Type", media)
		w := &writes{ResponseRecorder: httptest.NewRecorder()}
		s.handler.ServeHTTP(w, r)
		if length := w.Header().Get("Content-Length"); w.n != 1 || length != strconv.Itoa(w.Body.Len()) {
			t.Errorf("%s: %d writes of %d bytes, Content-Length %s", media, w.n, w.Body.Len(), length)
		}
	}
}

// nowhere is where the replies of a benchmark go.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (w *nowhere) WriteHeader(int)             {}
func (w *nowhere) Flush()                      {}

// BenchmarkGRPCWeb is a unary call without upstreams, by the bridge and by improbable's wrapper around the gRPC server.
func BenchmarkGRPCWeb(b *testing.B) {
	s := startShop(b)
	body := []byte(webFrame(0, "\x0a\x64"+strings.Repeat("x", 100)))
	for name, handler := range map[string]http.Handler{"bridge": s.handler, "wrapper": s.oracle} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/shop.v1.Shop/Required", bytes.NewReader(body))
				r.Header.Set("Content-Type", "application/grpc-web+proto")
				r.Header.Set("X-Select", "name")
				handler.ServeHTTP(&nowhere{header: http.Header{}}, r)
			}
		})
	}
	b.Run("request alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/shop.v1.Shop/Required", bytes.NewReader(body))
			r.Header.Set("Content-Type", "application/grpc-web+proto")
			r.Header.Set("X-Select", "name")
		}
	})
}
