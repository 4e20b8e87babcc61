package server

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"

	kerrors "github.com/go-kratos/kratos/v2/errors"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"facet/internal/gateway"
)

// httpStatus maps a gRPC code to an HTTP status, as google/rpc/code.proto does. The table is ours, so that an
// upgrade of a library cannot change what clients see.
var httpStatus = map[codes.Code]int{
	codes.OK:                 http.StatusOK,
	codes.Canceled:           statusClientClosedRequest,
	codes.Unknown:            http.StatusInternalServerError,
	codes.InvalidArgument:    http.StatusBadRequest,
	codes.DeadlineExceeded:   http.StatusGatewayTimeout,
	codes.NotFound:           http.StatusNotFound,
	codes.AlreadyExists:      http.StatusConflict,
	codes.PermissionDenied:   http.StatusForbidden,
	codes.ResourceExhausted:  http.StatusTooManyRequests,
	codes.FailedPrecondition: http.StatusBadRequest,
	codes.Aborted:            http.StatusConflict,
	codes.OutOfRange:         http.StatusBadRequest,
	codes.Unimplemented:      http.StatusNotImplemented,
	codes.Internal:           http.StatusInternalServerError,
	codes.Unavailable:        http.StatusServiceUnavailable,
	codes.DataLoss:           http.StatusInternalServerError,
	codes.Unauthenticated:    http.StatusUnauthorized,
}

// statusClientClosedRequest says, in logs, that the client left before the answer.
const statusClientClosedRequest = 499

// failure is an error as the client of HTTP sees it: the JSON of a Kratos error, and the status details that
// it has no place for.
type failure struct {
	Code     int               `json:"code"` // the HTTP status
	Reason   string            `json:"reason"`
	Message  string            `json:"message"`
	Metadata map[string]string `json:"metadata"`
	Details  []json.RawMessage `json:"details,omitempty"`

	allow      []string
	retryAfter string
}

// problemDetails is the same as RFC 9457 shapes it.
type problemDetails struct {
	Type     string            `json:"type"`
	Title    string            `json:"title"`
	Status   int               `json:"status"`
	Detail   string            `json:"detail"`
	Reason   string            `json:"reason"`
	Metadata map[string]string `json:"metadata,omitempty"`
	Details  []json.RawMessage `json:"details,omitempty"`
}

// writeError answers with an error. A client that has left gets nothing.
func writeError(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		w.WriteHeader(statusClientClosedRequest)
		return
	}
	f := failureOf(err)
	header := w.Header()
	if len(f.allow) > 0 {
		header.Set("Allow", strings.Join(f.allow, ", "))
	}
	if f.retryAfter != "" {
		header.Set("Retry-After", f.retryAfter)
	}
	header.Set("X-Content-Type-Options", "nosniff")
	var body any = f
	header.Set("Content-Type", "application/json")
	if accepts(r.Header, "application/problem+json") {
		header.Set("Content-Type", "application/problem+json")
		body = problemDetails{
			Type: "about:blank", Title: http.StatusText(f.Code), Status: f.Code, Detail: f.Message,
			Reason: f.Reason, Metadata: f.Metadata, Details: f.Details,
		}
	}
	text, marshalErr := json.Marshal(body)
	if marshalErr != nil { // invalid UTF-8 is replaced by json.Marshal, so only a detail's JSON can be at fault
		text = []byte(notRendered)
		f.Code = http.StatusInternalServerError
	}
	header.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(f.Code)
	_, _ = w.Write(text) // it fails if the client has left
}

// notRendered stands for an error that cannot be rendered.
const notRendered = `{"code":500,"reason":"ERROR_NOT_RENDERED","message":"the error cannot be rendered","metadata":{}}`

// accepts tells whether Accept names a media type.
func accepts(header http.Header, wanted string) bool {
	for _, accept := range header.Values("Accept") {
		for media := range strings.SplitSeq(accept, ",") {
			if name, params, err := mime.ParseMediaType(media); err == nil && name == wanted && params["q"] != "0" {
				return true
			}
		}
	}
	return false
}

// failureOf translates an error: one of ours, one of a Kratos middleware, or the gRPC status of an upstream.
func failureOf(err error) *failure {
	if own := (*gateway.Error)(nil); errors.As(err, &own) {
		f := &failure{Code: own.HTTP, Reason: own.Reason, Message: own.Message, Metadata: own.Metadata, allow: own.Allow}
		if f.Code == 0 {
			f.Code = httpStatus[own.Code]
		}
		return f.complete()
	}
	if kratos := (*kerrors.Error)(nil); errors.As(err, &kratos) {
		f := &failure{Code: int(kratos.Code), Reason: kratos.Reason, Message: kratos.Message, Metadata: kratos.Metadata}
		return f.complete()
	}
	return statusFailure(status.Convert(err))
}

// statusFailure keeps every detail: ErrorInfo as reason and metadata, RetryInfo as Retry-After besides, all
// but ErrorInfo as they are.
func statusFailure(s *status.Status) *failure {
	f := &failure{Code: httpStatus[s.Code()], Message: s.Message()}
	for _, detail := range s.Proto().GetDetails() {
		info, retry := new(errdetails.ErrorInfo), new(errdetails.RetryInfo)
		switch {
		case f.Reason == "" && detail.MessageIs(info) && detail.UnmarshalTo(info) == nil:
			f.Reason, f.Metadata = info.GetReason(), info.GetMetadata()
			continue
		case detail.MessageIs(retry) && detail.UnmarshalTo(retry) == nil:
			f.retryAfter = retryAfter(retry.GetRetryDelay())
		}
		f.Details = append(f.Details, detailJSON(detail))
	}
	if f.Reason == "" {
		f.Reason = gateway.CodeName(s.Code())
	}
	return f.complete()
}

// retryAfter is a delay in whole seconds, rounded up; "" if there is none.
func retryAfter(delay *durationpb.Duration) string {
	if delay == nil {
		return ""
	}
	seconds := delay.GetSeconds()
	if delay.GetNanos() > 0 {
		seconds++
	}
	return strconv.FormatInt(max(0, seconds), 10)
}

// complete fills what must not be missing.
func (f *failure) complete() *failure {
	if f.Code < 400 || f.Code > 599 {
		f.Code = http.StatusInternalServerError
	}
	if f.Metadata == nil {
		f.Metadata = map[string]string{}
	}
	return f
}

// detailJSON renders a status detail. One of a type that the gateway does not have is kept as bytes.
func detailJSON(detail *anypb.Any) json.RawMessage {
	if text, err := protojson.Marshal(detail); err == nil {
		return text
	}
	text, _ := json.Marshal(map[string]string{ // strings always marshal
		"@type": detail.GetTypeUrl(),
		"value": base64.StdEncoding.EncodeToString(detail.GetValue()),
	})
	return text
}
