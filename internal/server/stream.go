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

// write writes a piece, and waits until it has left or writeTimeout is over. The deadline is as in writeReplyBody.
func (s streamWriter) write(piece []byte) error {
	control := http.NewResponseController(s.w)
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout)) // what has no deadlines does not need them
	if _, err := s.w.Write(piece); err != nil {
		return err
	}
	return control.Flush()
}

// smallReply is what the buffers of a connection of HTTP/1 take at once.
const smallReply = 4 << 10

// writeReplyBody writes a unary reply, which a client has writeTimeout to take. In HTTP/2 it may make no room for any at all. The
// deadline is that of the request alone: net/http clears it for the next one.
func writeReplyBody(w http.ResponseWriter, r *http.Request, body []byte) {
	if r.ProtoMajor >= 2 || len(body) > smallReply {
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout))
	}
	_, _ = w.Write(body) // it fails if the client has left: there is nobody to tell
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
