package upstream

import (
	"fmt"
	"regexp"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// failure returns the error of a call as it is if the upstream answered it, and otherwise with a message that names
// the upstream and says what happened, for people, with the same code. Only a reply over our own bound is INTERNAL instead of
// RESOURCE_EXHAUSTED, which would tell the client that it had asked too often.
func (u *Upstream) failure(err error) error {
	st := status.Convert(err)
	if len(st.Proto().GetDetails()) > 0 {
		return err
	}
	text, own := explain(st)
	if !own {
		return err
	}
	code := st.Code()
	if code == codes.ResourceExhausted && strings.HasPrefix(st.Message(), "grpc: received message ") {
		code = codes.Internal
	}
	return status.Errorf(code, "upstream %s (%s): %s", u.name, u.conn.target.addresses(), text)
}

// explanation says, for people, what a message that grpc-go itself has written is about.
type explanation struct {
	marker string
	text   string
}

// connectionFailures explain why there is no connection. They are looked for inside of the messages that
// [connectionPrefixes] begin.
var connectionFailures = []explanation{
	{"connection refused", "connection refused"},
	{"no such host", "the name does not exist"},
	{"produced zero addresses", "the name has no address"},
	{"name resolver error", "the name cannot be resolved"},
	{"network is unreachable", "network is unreachable"},
	{"no route to host", "no route to host"},
	{"i/o timeout", "no answer to the attempt to connect"},
	{"context deadline exceeded", "no answer to the attempt to connect"},
	{"server preface", "it does not speak HTTP/2 without TLS"},
	{"error reading from server", "the connection was lost"},
	{"connection reset", "the connection was lost"},
	{"broken pipe", "the connection was lost"},
	{"EOF", "the connection was lost"},
}

var connectionPrefixes = []string{
	"connection error: ", "last connection error: ", "name resolver error: ", "dns: ",
	"error reading from server: ", "closing transport due to: ", "transport is closing",
	"read tcp ", "write tcp ",
}

const pastDeadline = "no reply before the deadline"

// streamFailures explain what went wrong on a connection. They are prefixes.
var streamFailures = []explanation{
	{"context deadline exceeded", pastDeadline},
	{"received context error while waiting for new LB policy update: context deadline exceeded", "no connection before the deadline"},
	{"latest balancer error: ", "no connection in time"},
	{"context canceled", "the call was canceled"},
	{"received context error while waiting for new LB policy update: context canceled", "the call was canceled"},
	{"the connection is draining", "the connection is closing"},
	{"the stream is rejected because server is draining the connection", "the connection is closing"},
	{"grpc: the client connection is closing", "the connection is closed"},
	{"server closed the stream without sending trailers", "the reply ended without a status"},
	{"cardinality violation: received no response message", "the reply holds no message"},
	{"cardinality violation: ", "the reply holds more than one message"},
	{"unexpected EOF", "the reply ended in the middle of a message"},
	{"a HEADERS frame cannot appear in the middle of a stream", "malformed HTTP/2 answer"},
	{"protocol error: ", "malformed HTTP/2 answer"},
	{"malformed header: ", "malformed HTTP/2 answer"},
	{"transport: malformed ", "malformed answer"},
	{"transport: received unexpected content-type ", "the answer is not gRPC"},
	{"peer header list size exceeded limit", "the headers of the reply are too large"},
	{"header list size to send violates the maximum size ", "the metadata of the request is larger than it accepts"},
	{"grpc: received message after decompression larger than max ", "the reply is larger than max_reply_bytes"},
	{"grpc: ", "malformed reply"},
}

var (
	tooLarge    = regexp.MustCompile(`^grpc: received message larger than max \((\d+) vs\. (\d+)\)$`)
	httpStatus  = regexp.MustCompile(`^unexpected HTTP status code received from server: (\d+ \([^)]*\))`)
	streamReset = regexp.MustCompile(`^stream terminated by RST_STREAM with error code: (\w+)`)
)

// explain tells whether grpc-go has made a status itself, and what it means. grpc-go does not mark such a status,
// so that its messages are all there is to go by. One that is not recognized passes for the upstream's: it is
// less readable then, and not wrong. Nothing of a foreign answer is repeated: it may be anybody's.
func explain(st *status.Status) (text string, own bool) {
	message := st.Message()
	if m := tooLarge.FindStringSubmatch(message); m != nil {
		return fmt.Sprintf("a reply of %s bytes exceeds max_reply_bytes, %s", m[1], m[2]), true
	}
	if m := httpStatus.FindStringSubmatch(message); m != nil {
		return "the answer is not gRPC: HTTP status " + m[1], true
	}
	if m := streamReset.FindStringSubmatch(message); m != nil {
		if st.Code() == codes.DeadlineExceeded { // the server saw it pass first
			return pastDeadline, true
		}
		return "the call was reset: " + m[1], true
	}
	for _, e := range streamFailures {
		if strings.HasPrefix(message, e.marker) {
			return e.text, true
		}
	}
	if st.Code() != codes.Unavailable {
		return "", false
	}
	return explainConnection(message)
}

// explainConnection explains an UNAVAILABLE that is about the connection.
func explainConnection(message string) (text string, own bool) {
	for _, prefix := range connectionPrefixes {
		if !strings.HasPrefix(message, prefix) {
			continue
		}
		for _, e := range connectionFailures {
			if strings.Contains(message, e.marker) {
				return e.text, true
			}
		}
		return "no connection", true
	}
	return "", false
}
