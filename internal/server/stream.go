package server

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"facet/internal/gateway"
)

// writeTimeout is how long a client may take to make room for a reply, or for one more message of a stream.
const writeTimeout = 30 * time.Second

// streamWriter writes a reply in pieces, each of which leaves at once.
type streamWriter struct{ w http.ResponseWriter }

// write writes a piece, and waits until it has left or writeTimeout is over.
func (s streamWriter) write(piece []byte) error {
	control := http.NewResponseController(s.w)
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout)) // what has no deadlines does not need them
	if _, err := s.w.Write(piece); err != nil {
		return err
	}
	return control.Flush()
}

// close leaves the connection to the next request as it was.
func (s streamWriter) close() { _ = http.NewResponseController(s.w).SetWriteDeadline(time.Time{}) }

// smallReply is what the buffers of a connection of HTTP/1 take at once.
const smallReply = 4 << 10

// writeReplyBody writes a unary reply, which a client has writeTimeout to take. In HTTP/2 it may make no room for any at all, and
// the deadline is that of its request alone.
func writeReplyBody(w http.ResponseWriter, r *http.Request, body []byte) {
	out := streamWriter{w}
	switch {
	case r.ProtoMajor >= 2:
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
		_, _ = w.Write(body) // it fails if the client has left: there is nobody to tell
	case len(body) > smallReply:
		_ = out.write(body) // as above
		out.close()
	default:
		_, _ = w.Write(body) // as above
	}
}

// addHeader adds what middleware has added to a reply. Binary values, as gRPC has them, are base64 over HTTP.
func addHeader(header http.Header, added gateway.Header) {
	for key, values := range added {
		if strings.HasSuffix(key, "-bin") {
			for _, value := range values {
				header.Add(key, base64.RawStdEncoding.EncodeToString([]byte(value)))
			}
			continue
		}
		header[http.CanonicalHeaderKey(key)] = values
	}
}
