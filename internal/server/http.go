// Package server speaks the protocols: HTTP/JSON, gRPC-Web and gRPC. It turns each request into one
// gateway.Call, and is the one place where errors become statuses.
package server

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-kratos/kratos/v2/transport"
	khttp "github.com/go-kratos/kratos/v2/transport/http"

	"facet/internal/gateway"
	"facet/internal/snapshot"
)

// Settings are what an operator may set of a server.
type Settings struct {
	Addr string
	// HeaderBytes is the largest request head.
	HeaderBytes int
	// ReadHeaderTimeout and ReadTimeout bound how long a client may take to send the head and the whole of a request.
	ReadHeaderTimeout, ReadTimeout time.Duration
	// IdleTimeout ends a connection without requests.
	IdleTimeout time.Duration
}

// NewHTTP returns the Kratos server of HTTP/JSON and gRPC-Web. Every request goes to the gateway, as a filter before
// Kratos' router: the router's own paths, among them http.DefaultServeMux, cannot be reached. Kratos'
// timeout of one second is switched off; a method has its own.
func NewHTTP(settings Settings, gw *gateway.Gateway, snapshots *snapshot.Holder) *khttp.Server {
	server := NewHandler(settings, &httpHandler{cors: cors{snapshots}, json: jsonHandler{gateway: gw}, web: webHandler{gateway: gw}})
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true) // without TLS, as proxies speak it
	server.HTTP2 = &http.HTTP2Config{
		MaxConcurrentStreams: maxStreams,
		SendPingTimeout:      probeInterval, PingTimeout: probeTimeout,
		WriteByteTimeout: writeTimeout, // the write deadlines of streams wait for the connection, and do not end it
	}
	return server
}

// maxStreams bounds the requests in flight on one connection of HTTP/2.
const maxStreams = 1000

// NewHandler returns a Kratos server of which a handler is all.
func NewHandler(settings Settings, handler http.Handler) *khttp.Server {
	server := khttp.NewServer(
		khttp.Address(settings.Addr),
		khttp.Timeout(0),
		khttp.Filter(func(http.Handler) http.Handler { return handler }),
	)
	server.MaxHeaderBytes = settings.HeaderBytes
	server.ReadHeaderTimeout = settings.ReadHeaderTimeout
	server.ReadTimeout = settings.ReadTimeout
	server.IdleTimeout = settings.IdleTimeout
	return server
}

// httpHandler tells the protocols of the HTTP port apart.
type httpHandler struct {
	cors cors
	json jsonHandler
	web  webHandler
}

func (h *httpHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.cors.admit(w, r) {
		return
	}
	if isGRPCWeb(r) {
		h.web.ServeHTTP(w, r)
		return
	}
	h.json.ServeHTTP(w, r)
}

// jsonHandler answers HTTP/JSON.
type jsonHandler struct {
	gateway *gateway.Gateway
}

// maxKept is the largest buffer that is kept for the next request: a megabyte of an upstream's reply becomes about two of
// JSON.
const maxKept = 4 << 20

// exchange is what one HTTP request needs, reused from request to request.
type exchange struct {
	call    gateway.Call
	request *http.Request
	writer  http.ResponseWriter
	body    []byte
	stream  *eventStream // nil for a unary reply

	send      func([]byte) error // of the stream, for call.Send
	streaming func()             // starts the stream, for call.Streaming
}

var exchanges = sync.Pool{New: func() any {
	e := &exchange{}
	e.call.ReadBody = e.readBody
	e.send = func(message []byte) error { return e.stream.send(message) }
	e.streaming = func() { e.stream = startEventStream(e.writer, e.request, e.call.Added) }
	return e
}}

func (h *jsonHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := exchanges.Get().(*exchange)
	defer e.release()
	e.request, e.writer = r, w
	c := &e.call
	c.Protocol = transport.KindHTTP
	c.Header = requestHeader(r.Header)
	c.HTTPMethod, c.Path, c.Query = r.Method, r.URL.EscapedPath(), r.URL.RawQuery
	c.Send, c.Streaming = e.send, e.streaming
	err := h.gateway.Serve(r.Context(), c)
	if e.stream != nil && e.stream.end(err, c.PartialHeader()) {
		return
	}
	addHeader(w.Header(), c.Added)
	expose(w.Header(), c.Added)
	if err != nil {
		writeError(w, r, err)
		return
	}
	writeReply(w, r, c)
}

// release keeps the exchange's buffers for the next request, unless one is large.
func (e *exchange) release() {
	e.call.Reset()
	e.request, e.writer, e.stream, e.body = nil, nil, nil, e.body[:0]
	if cap(e.body) <= maxKept && cap(e.call.Reply) <= maxKept {
		exchanges.Put(e)
	}
}

var jsonContentType = []string{"application/json"}

func writeReply(w http.ResponseWriter, r *http.Request, c *gateway.Call) {
	header := w.Header()
	header["Content-Type"] = jsonContentType
	header["Content-Length"] = []string{strconv.Itoa(len(c.Reply))}
	if partial := c.PartialHeader(); partial != "" {
		header.Set("X-Facet-Partial", partial)
	}
	writeReplyBody(w, r, c.Reply)
}

// readBody implements gateway.Call.ReadBody.
func (e *exchange) readBody(limit int) ([]byte, error) {
	if err := acceptBody(e.request.Header); err != nil {
		return nil, err
	}
	if e.request.ContentLength > int64(limit) {
		return nil, gateway.BodyTooLarge(limit)
	}
	reader := http.MaxBytesReader(e.writer, e.request.Body, int64(limit))
	e.body = e.body[:0]
	for {
		if len(e.body) == cap(e.body) {
			e.body = append(e.body, 0)[:len(e.body)]
		}
		n, err := reader.Read(e.body[len(e.body):cap(e.body)])
		e.body = e.body[:len(e.body)+n]
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			return nil, gateway.BodyTooLarge(limit)
		}
		if errors.Is(err, io.EOF) {
			return e.body, nil
		}
		if err != nil {
			return nil, gateway.BodyNotRead(err)
		}
	}
}

// acceptBody refuses a body that is not JSON. A body without a type is taken as JSON.
func acceptBody(header http.Header) error {
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return gateway.UnsupportedMediaType("Content-Encoding", encoding)
	}
	value := header.Get("Content-Type")
	if value == "" || value == "application/json" {
		return nil
	}
	if media, _, err := mime.ParseMediaType(value); err != nil || (media != "application/json" && !strings.HasSuffix(media, "+json")) {
		return gateway.UnsupportedMediaType("Content-Type", value)
	}
	return nil
}

// requestHeader makes http.Header a transport.Header.
type requestHeader http.Header

func (h requestHeader) Get(key string) string      { return http.Header(h).Get(key) }
func (h requestHeader) Set(key, value string)      { http.Header(h).Set(key, value) }
func (h requestHeader) Add(key, value string)      { http.Header(h).Add(key, value) }
func (h requestHeader) Values(key string) []string { return http.Header(h).Values(key) }
func (h requestHeader) Keys() []string {
	keys := make([]string, 0, len(h))
	for key := range h {
		keys = append(keys, key)
	}
	return keys
}
