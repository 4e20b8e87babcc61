package server

import (
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"facet/internal/gateway"
)

// writeTimeout is how long a client of a stream may take to make room for one more message.
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
