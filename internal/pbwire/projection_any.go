package pbwire

import (
	"errors"
	"strconv"

	"google.golang.org/protobuf/reflect/protoregistry"
)

// any appends a google.protobuf.Any: the message it holds, with the member "@type" first.
func (r *run) any(dst []byte, p *program, s span) ([]byte, *WireError) {
	values, err := r.scalars(p, s)
	if err != nil {
		return dst, err
	}
	url, content := r.content(values[0]), values[1]
	if len(url) == 0 {
		if content.start < content.end {
			return dst, noJSON(p, s, "it holds a message, but not its type")
		}
		return append(dst, '{', '}'), nil
	}
	inner, cause := r.set.anyProgram(url)
	if cause != nil {
		return dst, unknownType(url, values[0].start, cause)
	}
	dst = append(dst, `{"@type":`...)
	dst, ok := appendString(dst, url)
	if !ok {
		return dst, &WireError{Offset: values[0].start, Err: ErrUTF8}
	}
	if inner.render != nil {
		dst = append(dst, `,"value":`...)
		dst, err = r.message(dst, inner, content)
		return append(dst, '}'), err
	}
	members := len(dst)
	if dst, err = r.message(dst, inner, content); err != nil {
		return dst, err
	}
	if len(dst) == members+len("{}") {
		return append(dst[:members], '}'), nil
	}
	dst[members] = ','
	return dst, nil
}

func unknownType(url []byte, offset int, cause error) *WireError {
	err := &WireError{Offset: offset, Err: ErrType, Detail: strconv.Quote(string(url))}
	if !errors.Is(cause, protoregistry.NotFound) {
		err.Detail += ": " + cause.Error()
	}
	return err
}
