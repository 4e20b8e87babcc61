package httprule

import (
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/pbwire"
)

// AppendRequest appends the request message to dst: from the variables of the match, the query and the body. Its
// errors are *BadRequest.
//
// The path wins over the same field in the body. A query parameter may set only what neither the path nor the body
// binding covers; fields are named by JSON name or proto name, nested ones with dots, and a repeated scalar
// is given by repeating the parameter. A blank body is an absent one.
//
// A PATCH whose body is one message field fills the request's `google.protobuf.FieldMask update_mask`
// from the fields that the body mentions (AIP-134), relative to that message, unless path or query set the
// mask. A body without fields leaves it unset. If the body is the whole request, the mask is a field of it
// like any other.
func (b *Binding) AppendRequest(dst []byte, match *Match, query string, body []byte) ([]byte, error) {
	hasBody := b.body != nil && !isBlank(body)
	var present *pbwire.Selection
	var err error
	if hasBody {
		if dst, present, err = b.appendBody(dst, body); err != nil {
			return dst, err
		}
	}
	masked := false
	if query != "" {
		if dst, masked, err = b.appendQuery(dst, query, hasBody); err != nil {
			return dst, err
		}
	}
	if hasBody && b.mask != nil && !masked {
		dst = b.appendMask(dst, present)
	}
	return b.appendVariables(dst, match)
}

func isBlank(text []byte) bool {
	return !slices.ContainsFunc(text, func(c byte) bool { return c != ' ' && c != '\t' && c != '\n' && c != '\r' })
}

// appendBody appends the body, and tells which fields it mentions if an update mask wants to know.
func (b *Binding) appendBody(dst, text []byte) ([]byte, *pbwire.Selection, error) {
	var present *pbwire.Selection
	var err error
	if b.mask != nil {
		dst, present, err = b.body.parser.AppendWirePresent(dst, text)
	} else {
		dst, err = b.body.parser.AppendWire(dst, text)
	}
	if syntax, ok := errors.AsType[*pbwire.SyntaxError](err); ok {
		err = &BadRequest{
			Field:   syntax.Path,
			Message: fmt.Sprintf("body:%d:%d: %s", syntax.Line, syntax.Column, syntax.Message),
		}
	}
	return dst, present, err
}

// appendMask appends the update mask: the paths of what the body mentions of its field. A body without
// fields, which is mentioned as a whole, leaves the mask unset.
func (b *Binding) appendMask(dst []byte, present *pbwire.Selection) []byte {
	mentioned, ok := present.Field(b.body.field.leaf().fd)
	if !ok || mentioned.Everything() {
		return dst
	}
	start := len(dst)
	for _, path := range mentioned.Paths() {
		dst = protowire.AppendTag(dst, 1, protowire.BytesType)
		dst = protowire.AppendString(dst, path)
	}
	return wrap(dst, start, b.mask.fd)
}

// appendVariables appends the fields that the path sets.
func (b *Binding) appendVariables(dst []byte, match *Match) ([]byte, error) {
	for i := range b.variables {
		v := &b.variables[i]
		raw := match.segments(v.start, v.n)
		text, ok := unescape(raw, v.kept)
		if !ok {
			return dst, &BadRequest{Field: v.name, Message: fmt.Sprintf("path: %s: malformed percent escape in %q", v.name, raw)}
		}
		var err error
		if dst, err = appendField(dst, v.field, text); err != nil {
			return dst, &BadRequest{Field: v.name, Message: fmt.Sprintf("path: %s: %v", v.name, err)}
		}
	}
	return dst, nil
}

// appendField appends the field at a path, inside as many messages as the path goes through.
func appendField(dst []byte, path fieldPath, text string) ([]byte, error) {
	start := len(dst)
	dst, err := pbwire.AppendText(dst, path.leaf().fd, text)
	if err != nil {
		return dst, err
	}
	for i := len(path) - 2; i >= 0; i-- {
		dst = wrap(dst, start, path[i].fd)
	}
	return dst, nil
}

// wrap makes what stands in dst from start the value of a message field. A value of a URL is short and nested in few
// messages, so it is moved once for each of them.
func wrap(dst []byte, start int, fd protoreflect.FieldDescriptor) []byte {
	var buffer [2 * 10]byte // a tag and a length
	if fd.Kind() == protoreflect.GroupKind {
		dst = slices.Insert(dst, start, protowire.AppendTag(buffer[:0], fd.Number(), protowire.StartGroupType)...)
		return protowire.AppendTag(dst, fd.Number(), protowire.EndGroupType)
	}
	head := protowire.AppendTag(buffer[:0], fd.Number(), protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(dst)-start))
	return slices.Insert(dst, start, head...)
}
