package pbwire

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// AppendText appends a singular field, or one element of a repeated one, whose value is given as in a
// URL: a scalar, an enum by name or number, or a well-known type in its JSON string form. Other
// messages and maps have no such form. An element of a repeated field is not packed. A zero is written
// too. An error says what was expected, and leaves it to the caller to say of which field; dst is
// returned as it was with one.
func AppendText(dst []byte, fd protoreflect.FieldDescriptor, text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return dst, fmt.Errorf("%s is not valid UTF-8", textShort(text))
	}
	if fd.IsMap() {
		return dst, fmt.Errorf("the map %s has no text form", fd.FullName())
	}
	if fd.Message() != nil {
		return textAppendMessage(dst, fd, text)
	}
	out := protowire.AppendTag(dst, fd.Number(), parseWireType(fd.Kind()))
	out, err := textAppendScalar(out, fd, text)
	if err != nil {
		return dst, err
	}
	return out, nil
}

// textAppendMessage appends a well-known type.
func textAppendMessage(dst []byte, fd protoreflect.FieldDescriptor, text string) ([]byte, error) {
	md := fd.Message()
	var body []byte
	if form, ok := parseTexts[md.FullName()]; ok {
		if body, ok = form.append(nil, []byte(text)); !ok {
			return dst, fmt.Errorf("%s is not %s", textShort(text), form.want)
		}
	} else if parseIsWrapper(md) {
		var err error
		if body, err = AppendText(nil, md.Fields().Get(0), text); err != nil {
			return dst, err
		}
	} else {
		return dst, fmt.Errorf("the message %s has no text form", md.FullName())
	}
	if fd.Kind() == protoreflect.GroupKind {
		dst = protowire.AppendTag(dst, fd.Number(), protowire.StartGroupType)
		dst = append(dst, body...)
		return protowire.AppendTag(dst, fd.Number(), protowire.EndGroupType), nil
	}
	dst = protowire.AppendTag(dst, fd.Number(), protowire.BytesType)
	return protowire.AppendBytes(dst, body), nil
}

// textAppendScalar appends a scalar or an enum, whose tag is written already.
func textAppendScalar(dst []byte, fd protoreflect.FieldDescriptor, text string) ([]byte, error) {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		if text != "true" && text != "false" {
			return dst, fmt.Errorf("%s is neither true nor false", textShort(text))
		}
		return protowire.AppendVarint(dst, protowire.EncodeBool(text == "true")), nil
	case protoreflect.EnumKind:
		return textAppendEnum(dst, fd.Enum(), text)
	}
	f := parseField{kind: fd.Kind()}
	dst, ok := f.appendText(dst, []byte(text))
	if !ok {
		return dst, fmt.Errorf("%s is not %s", textShort(text), f.want())
	}
	return dst, nil
}

// textAppendEnum appends an enum by name or number.
func textAppendEnum(dst []byte, ed protoreflect.EnumDescriptor, text string) ([]byte, error) {
	if value := ed.Values().ByName(protoreflect.Name(text)); value != nil {
		return protowire.AppendVarint(dst, uint64(int64(value.Number()))), nil
	}
	number, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return dst, errors.New(parseUnknownValue(ed, text))
	}
	return protowire.AppendVarint(dst, uint64(number)), nil
}

// textShort quotes a value for an error message.
func textShort(text string) string { return parseShort([]byte(strconv.Quote(text))) }
