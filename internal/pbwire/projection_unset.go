package pbwire

import (
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// layUnset joins the texts of fields that are not set.
func (p *program) layUnset(unset Unset) {
	var text strings.Builder
	fds := p.md.Fields()
	byTag := make(map[uint64]protoreflect.FieldDescriptor, fds.Len())
	for i := range fds.Len() {
		fd := fds.Get(i)
		byTag[protowire.EncodeTag(fd.Number(), parseWireType(fd.Kind()))] = fd
	}
	for i := range p.fields {
		f := &p.fields[i]
		for len(p.offsets) <= f.rank {
			p.offsets = append(p.offsets, text.Len())
		}
		if fd := byTag[f.tag]; fd != nil && f.shape != shapeClear {
			text.WriteString(unsetText(fd, unset))
		}
	}
	for len(p.offsets) <= len(p.fields) {
		p.offsets = append(p.offsets, text.Len())
	}
	p.unset = text.String()
}

// unsetText is what stands for a field that is not set, with its name; often nothing.
func unsetText(fd protoreflect.FieldDescriptor, unset Unset) string {
	switch {
	case unset == UnsetOmit || fd.ContainingOneof() != nil:
		return ""
	case fd.HasPresence() && unset != UnsetKratos:
		return ""
	}
	return fieldName(fd) + unsetValue(fd)
}

// unsetValue is the JSON value of a field that is not set.
func unsetValue(fd protoreflect.FieldDescriptor) string {
	switch {
	case fd.HasPresence():
		return "null"
	case fd.IsMap():
		return "{}"
	case fd.IsList():
		return "[]"
	}
	switch fd.Kind() {
	case protoreflect.StringKind, protoreflect.BytesKind:
		return `""`
	case protoreflect.EnumKind:
		return string(newEnumTexts(fd.Enum()).append(nil, 0))
	case protoreflect.BoolKind:
		return "false"
	}
	f := field{kind: fd.Kind()}
	return string(f.appendNumber(nil, 0))
}

// fieldName is `,"name":`.
func fieldName(fd protoreflect.FieldDescriptor) string {
	name := fd.JSONName()
	if fd.IsExtension() {
		name = "[" + string(fd.FullName()) + "]"
	}
	text, _ := appendString([]byte{','}, []byte(strings.ToValidUTF8(name, "\uFFFD")))
	return string(append(text, ':'))
}
