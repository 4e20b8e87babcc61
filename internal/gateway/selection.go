package gateway

import (
	"errors"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"

	"facet/internal/httprule"
	"facet/internal/pbwire"
	"facet/internal/snapshot"
)

// SelectHeader is the header, or gRPC metadata key, of a selection.
const SelectHeader = "x-select"

// view returns the method's view for the selection that the call carries.
func (c *Call) view(request []byte) (*snapshot.View, error) {
	text, err := c.selection(request)
	if err != nil {
		return nil, err
	}
	view, err := c.method.View(text, c.binding)
	if bad := new(pbwire.SelectionError); errors.As(err, &bad) {
		e := refuse(codes.InvalidArgument, "INVALID_SELECTION", fmt.Sprintf("select: column %d: %s", bad.Column, bad.Message))
		e.Metadata = map[string]string{"field": "select"}
		return nil, e
	}
	return view, err
}

// selection finds the selection's text: in the query, else in the header, else in the request's own
// field `select`. A query parameter is explicit for this request, a header may be a client's
// default, so they do not conflict; two query parameters do.
func (c *Call) selection(request []byte) (string, error) {
	text, given, err := c.querySelection()
	if err != nil || given {
		return text, err
	}
	if values := c.Header.Values(SelectHeader); len(values) > 0 && values[0] != "" {
		return strings.Join(values, ","), nil // header fields of one name are one list
	}
	if c.method.SelectField != nil {
		return lastString(request, c.method.SelectField.Number()), nil
	}
	return "", nil
}

// querySelection reads `select` or one of its aliases. A name that is a field of the request is no alias.
func (c *Call) querySelection() (text string, given bool, err error) {
	if c.binding == nil || c.Query == "" {
		return "", false, nil
	}
	for _, name := range c.method.SelectParameters {
		value, n := httprule.Query(c.Query, name)
		if n == 0 {
			continue
		}
		if n > 1 || given {
			return "", false, refuse(codes.InvalidArgument, "INVALID_SELECTION",
				fmt.Sprintf("the selection is given more than once in the query (%s): join the paths with commas", name))
		}
		text, given = value, true
	}
	return text, given, nil
}

// lastString returns the last value of a string field of a message; "" if the message is malformed, which is found
// out where it is read as a whole.
func lastString(wire []byte, field protowire.Number) (value string) {
	for len(wire) > 0 {
		number, kind, n := protowire.ConsumeTag(wire)
		if n < 0 {
			return value
		}
		wire = wire[n:]
		if number == field && kind == protowire.BytesType {
			text, n := protowire.ConsumeBytes(wire)
			if n < 0 {
				return value
			}
			value, wire = string(text), wire[n:]
			continue
		}
		if n = protowire.ConsumeFieldValue(number, kind, wire); n < 0 {
			return value
		}
		wire = wire[n:]
	}
	return value
}
