package gateway

import (
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Error is what the gateway itself has against a request. Errors of upstreams are gRPC statuses and pass
// untouched.
type Error struct {
	Code codes.Code
	// HTTP is the HTTP status, 0 for that of Code.
	HTTP    int
	Reason  string // UPPER_SNAKE_CASE, AIP-193
	Message string
	// Metadata goes to the client: `field` names what is wrong.
	Metadata map[string]string
	// Allow lists the methods of a path, for 405.
	Allow []string
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// GRPCStatus makes the error a gRPC status.
func (e *Error) GRPCStatus() *status.Status {
	s := status.New(e.Code, e.Message)
	if detailed, err := s.WithDetails(&errdetails.ErrorInfo{Reason: e.Reason, Domain: "facet", Metadata: e.Metadata}); err == nil {
		return detailed
	}
	return s
}

func refuse(code codes.Code, reason, message string) *Error {
	return &Error{Code: code, Reason: reason, Message: message}
}

// NoSnapshot is the error of a request that comes before the first snapshot.
func NoSnapshot() *Error {
	return refuse(codes.Unavailable, "NO_SNAPSHOT", "the gateway has no configuration yet")
}

// BodyTooLarge is the error of a request body over the limit.
func BodyTooLarge(limit int) *Error {
	return &Error{
		Code: codes.ResourceExhausted, HTTP: http.StatusRequestEntityTooLarge, Reason: "BODY_TOO_LARGE",
		Message: fmt.Sprintf("the request body is larger than %d bytes", limit),
	}
}

// UnsupportedMediaType is the error of a request body that is not JSON.
func UnsupportedMediaType(header, value string) *Error {
	return &Error{
		Code: codes.InvalidArgument, HTTP: http.StatusUnsupportedMediaType, Reason: "UNSUPPORTED_MEDIA_TYPE",
		Message: fmt.Sprintf("%s %q is not accepted: send application/json, not compressed", header, value),
	}
}

func methodNotAllowed(method string, allow []string) *Error {
	return &Error{
		Code: codes.Unimplemented, HTTP: http.StatusMethodNotAllowed, Reason: "METHOD_NOT_ALLOWED",
		Message: fmt.Sprintf("%s is not allowed here; allowed: %s", method, strings.Join(allow, ", ")), Allow: allow,
	}
}

func codeOf(err error) codes.Code { return status.Code(err) }

// codeNames are the names of google.rpc.Code, by number.
var codeNames = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
	"PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
}

// CodeName is the name of a code as google.rpc.Code spells it: NOT_FOUND.
func CodeName(code codes.Code) string {
	if int(code) < len(codeNames) {
		return codeNames[code]
	}
	return "UNKNOWN"
}

// BodyNotRead is the error of a request body that ended early.
func BodyNotRead(err error) *Error {
	return refuse(codes.InvalidArgument, "BODY_NOT_READ", fmt.Sprintf("the request body cannot be read: %v", err))
}
