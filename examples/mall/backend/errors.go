package backend

import (
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
)

// domain is what the reasons of the mall's errors belong to.
const domain = "mall.example"

// failure returns a status with details.
func failure(code codes.Code, message string, details ...protoadapt.MessageV1) error {
	s, err := status.New(code, message).WithDetails(details...)
	if err != nil {
		return status.Errorf(codes.Internal, "details of %q: %v", message, err)
	}
	return s.Err()
}

// failed returns a status with the reason in an ErrorInfo. key and value tell what it is about.
func failed(code codes.Code, reason, key, value, message string) error {
	return failure(code, message, &errdetails.ErrorInfo{
		Reason: reason, Domain: domain, Metadata: map[string]string{key: value},
	})
}

func userNotFound(id string) error {
	return failed(codes.NotFound, "USER_NOT_FOUND", "user_id", id, fmt.Sprintf("there is no user %q", id))
}

func productNotFound(id string) error {
	return failed(codes.NotFound, "PRODUCT_NOT_FOUND", "product_id", id, fmt.Sprintf("there is no product %q", id))
}

func orderNotFound(id string) error {
	return failed(codes.NotFound, "ORDER_NOT_FOUND", "order_id", id, fmt.Sprintf("there is no order %q", id))
}

func roomNotFound(id string) error {
	return failed(codes.NotFound, "ROOM_NOT_FOUND", "room_id", id, fmt.Sprintf("there is no room %q", id))
}

// invalid returns INVALID_ARGUMENT about one field of the request.
func invalid(field, format string, args ...any) error {
	description := fmt.Sprintf(format, args...)
	return failure(codes.InvalidArgument, field+": "+description,
		&errdetails.ErrorInfo{Reason: "INVALID_FIELD", Domain: domain, Metadata: map[string]string{"field": field}},
		&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
			{Field: field, Description: description},
		}})
}

// required returns an error if a field is empty.
func required(field, value string) error {
	if value == "" {
		return invalid(field, "is required")
	}
	return nil
}

// atMost returns an error if a list has too many elements.
func atMost[T any](field string, list []T, most int) error {
	if len(list) > most {
		return invalid(field, "has %d elements, at most %d are allowed", len(list), most)
	}
	return nil
}
