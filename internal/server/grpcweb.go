package server

import (
	"encoding/base64"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/go-kratos/kratos/v2/transport"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"facet/internal/gateway"
)

// kindGRPCWeb is gRPC-Web as a transport.Kind of Kratos, which does not know it.
const kindGRPCWeb transport.Kind = "grpc-web"

const (
	webMedia     = "application/grpc-web"
	webTextMedia = "application/grpc-web-text"
)

// isGRPCWeb tells whether a request is one of gRPC-Web, of whatever encoding.
func isGRPCWeb(r *http.Request) bool {
	values := r.Header["Content-Type"]
	return len(values) > 0 && strings.HasPrefix(values[0], webMedia)
}

// webHandler answers gRPC-Web (PROTOCOL-WEB.md of gRPC), unary methods and streams of replies.
type webHandler struct {
	gateway *gateway.Gateway
}

// webExchange is one request of gRPC-Web and its reply, reused from request to request.
type webExchange struct {
	call  gateway.Call
	send  func([]byte) error // sendMessage, for call.Send
	frame frameReader
	text  bool // the bodies are base64
	gzip  bool // the request's messages may be compressed, and so are the reply's

	out     streamWriter
	media   string // of the reply
	piece   []byte // what is written next
	encoded []byte // the same as base64
	begun   bool
	partial string // as the header told it
}

var webExchanges = sync.Pool{New: func() any {
	e := &webExchange{}
	e.call.ReadBody = e.frame.one
	e.send = e.sendMessage
	return e
}}

func (h *webHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	media, text, err := webEncoding(r)
	if err != nil {
		writeError(w, r, err)
		return
	}
	e := webExchanges.Get().(*webExchange)
	defer e.release()
	e.open(w, r, media, text)
	err = h.gateway.Serve(r.Context(), &e.call)
	if err == nil && !e.begun && !e.call.Method().Descriptor.IsStreamingServer() {
		err = e.addMessage(e.call.Reply)
	}
	e.end(r, err)
}

// webEncoding returns the media type of the reply, and whether the bodies are base64.
func webEncoding(r *http.Request) (media string, text bool, err error) {
	if r.Method != http.MethodPost {
		return "", false, &gateway.Error{
			Code: codes.Unimplemented, HTTP: http.StatusMethodNotAllowed, Reason: "METHOD_NOT_ALLOWED",
			Message: "gRPC-Web is sent by POST", Allow: []string{http.MethodPost},
		}
	}
	value := r.Header.Get("Content-Type")
	if media, _, err = mime.ParseMediaType(value); err != nil {
		return "", false, gateway.UnsupportedMediaType("Content-Type", value)
	}
	switch media {
	case webMedia, webMedia + "+proto":
		return media, false, nil
	case webTextMedia, webTextMedia + "+proto":
		return media, true, nil
	}
	return "", false, gateway.UnsupportedMediaType("Content-Type", value)
}

// open makes the exchange one of a request.
func (e *webExchange) open(w http.ResponseWriter, r *http.Request, media string, text bool) {
	e.out = streamWriter{w}
	e.media, e.text = media, text
	encoding := r.Header.Get("Grpc-Encoding")
	e.gzip = encoding == "gzip"
	e.frame.open(r.Body, text, encoding)
	c := &e.call
	c.Protocol = kindGRPCWeb
	c.Header = requestHeader(r.Header)
	c.RPC = strings.TrimPrefix(r.URL.Path, "/")
	c.Send = e.send
}

// release keeps the exchange's buffers for the next request, unless one is large.
func (e *webExchange) release() {
	e.call.Reset()
	e.frame.close()
	e.out, e.piece, e.begun, e.partial = streamWriter{}, e.piece[:0], false, ""
	if cap(e.piece) <= maxKept && cap(e.encoded) <= maxKept && cap(e.frame.message) <= maxKept && cap(e.call.Reply) <= maxKept {
		webExchanges.Put(e)
	}
}

// sendMessage implements gateway.Call.Send.
func (e *webExchange) sendMessage(message []byte) error {
	if err := e.addMessage(message); err != nil {
		return err
	}
	e.begin()
	return e.out.write(e.encodedPiece())
}

// addMessage adds the frame of a message to what is written next.
func (e *webExchange) addMessage(message []byte) (err error) {
	e.piece, err = appendMessage(e.piece, message, e.gzip)
	return err
}

// end writes the trailer, and what has not been written before: a unary reply is one write. Without a message the
// trailer is in the header, and there is no body (Trailers-Only).
func (e *webExchange) end(r *http.Request, err error) {
	streamed := e.begun
	e.begin()
	partial := e.call.PartialHeader()
	if partial == e.partial {
		partial = "" // the header has told it
	}
	fields := trailer(webStatus(err), partial)
	header := e.out.w.Header()
	if !streamed && len(e.piece) == 0 {
		for name, value := range fields {
			header.Set(name, value)
		}
		header["Content-Length"] = []string{"0"}
		e.out.w.WriteHeader(http.StatusOK)
		return
	}
	e.piece = appendTrailer(e.piece, fields)
	piece := e.encodedPiece()
	if streamed {
		_ = e.out.write(piece) // it fails if the client has left: there is nobody to tell
		return
	}
	header["Content-Length"] = []string{strconv.Itoa(len(piece))}
	writeReplyBody(e.out.w, r, piece)
}

// begin fills the header, once.
func (e *webExchange) begin() {
	if e.begun {
		return
	}
	e.begun = true
	header := e.out.w.Header()
	addHeader(header, e.call.Added)
	header["Content-Type"] = []string{e.media}
	if e.gzip {
		header["Grpc-Encoding"] = []string{"gzip"}
	}
	if e.partial = e.call.PartialHeader(); e.partial != "" {
		header["X-Facet-Partial"] = []string{e.partial}
	}
	expose(header, e.call.Added)
}

// encodedPiece takes what is to be written next.
func (e *webExchange) encodedPiece() []byte {
	piece := e.piece
	e.piece = e.piece[:0]
	if !e.text {
		return piece
	}
	e.encoded = base64.StdEncoding.AppendEncode(e.encoded[:0], piece)
	return e.encoded
}

// webStatus is the status that an error is to a client.
func webStatus(err error) *status.Status {
	if s, ok := status.FromError(grpcError(err)); ok {
		return s
	}
	return status.FromContextError(err)
}
