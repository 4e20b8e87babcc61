package pbwire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// message reads a message and appends its fields. Fields that it mentions are marked in present,
// unless that is nil. Within google.protobuf.Any the member "@type" is passed over.
func (s *parseState) message(p *parseProgram, present *selNode, inAny bool) *SyntaxError {
	if s.depth == 0 {
		return s.tooDeep()
	}
	s.depth--
	var err *SyntaxError
	if p.special == nil {
		err = s.object(p, present, inAny)
	} else {
		if present != nil {
			present.whole = true
		}
		err = p.special(s, p)
	}
	s.depth++
	return err
}

// object reads a message that has the usual JSON form.
func (s *parseState) object(p *parseProgram, present *selNode, inAny bool) *SyntaxError {
	if s.peek() != '{' {
		return s.notA("an object; it stands for a " + string(p.md.FullName()))
	}
	if p.messageSet {
		return s.errorf(s.pos, "%s is a MessageSet, which has no JSON form", p.md.FullName())
	}
	s.open()
	seen := s.pushSeen(len(p.ordered) + p.oneofs)
	guess, types := 0, 0
	for first := true; ; first = false {
		name, more, err := s.member(first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if inAny && string(name) == "@type" {
			if types++; types > 1 {
				return s.errorf(s.namePos, `"@type" is given twice`)
			}
			if err := s.skip(s.depth); err != nil {
				return err
			}
			continue
		}
		f := p.lookUp(name, &guess)
		if f == nil {
			if err := s.unknown(p, name); err != nil {
				return err
			}
			continue
		}
		if !s.mark(seen, f.index) {
			return s.errorf(s.namePos, "the field is given twice").within(f.name)
		}
		if f.oneof >= 0 && (f.nulls || s.peek() != 'n') && !s.mark(seen, len(p.ordered)+f.oneof) {
			return s.errorf(s.namePos, "another field of the oneof %q is given already", f.fd.ContainingOneof().Name()).within(f.name)
		}
		if err := s.fieldValue(f, present); err != nil {
			return err.within(f.name)
		}
	}
	s.seen = s.seen[:seen]
	return nil
}

// lookUp finds a field by name. Texts mostly keep the order of declaration: the guess is where the
// field is then.
func (p *parseProgram) lookUp(name []byte, guess *int) *parseField {
	if *guess < len(p.ordered) {
		if f := p.ordered[*guess]; f.name == string(name) {
			*guess++
			return f
		}
	}
	f := p.fields[string(name)]
	if f != nil {
		*guess = f.index + 1
	}
	return f
}

// unknown skips the value of an unknown field, if that is allowed.
func (s *parseState) unknown(p *parseProgram, name []byte) *SyntaxError {
	if extension, ok := parseExtensionName(name); ok {
		if xt, err := s.set.types.FindExtensionByName(extension); err == nil {
			return s.errorf(s.namePos, "%s extends %s; this is a %s",
				extension, xt.TypeDescriptor().ContainingMessage().FullName(), p.md.FullName())
		}
	}
	if s.set.lenient {
		return s.skip(s.depth)
	}
	names := make([]string, len(p.ordered))
	for i, f := range p.ordered {
		names[i] = f.name
	}
	return s.errorf(s.namePos, "unknown field %s of %s%s",
		selShow(string(name)), p.md.FullName(), selSuggest(string(name), names))
}

func parseExtensionName(name []byte) (protoreflect.FullName, bool) {
	if len(name) < 2 || name[0] != '[' || name[len(name)-1] != ']' {
		return "", false
	}
	return protoreflect.FullName(name[1 : len(name)-1]), true
}

// pushSeen opens a set of that many bits and returns where it begins.
func (s *parseState) pushSeen(bits int) int {
	base := len(s.seen)
	for n := 0; n < bits; n += 64 {
		s.seen = append(s.seen, 0)
	}
	return base
}

// mark puts a bit into a set and tells whether it was not there.
func (s *parseState) mark(base, bit int) bool {
	word, mask := &s.seen[base+bit/64], uint64(1)<<(bit%64)
	if *word&mask != 0 {
		return false
	}
	*word |= mask
	return true
}

// fieldValue reads the value of a field, repeated or not. A null leaves it unset.
func (s *parseState) fieldValue(f *parseField, present *selNode) *SyntaxError {
	isNull := !f.nulls && s.peek() == 'n'
	if present != nil {
		present = f.mention(present, isNull)
	}
	switch {
	case isNull:
		return s.literal("null")
	case f.shape == parseList:
		return s.list(f)
	case f.shape == parseMap:
		return s.mapping(f)
	}
	start := len(s.out)
	s.out = protowire.AppendVarint(s.out, f.tag)
	body := len(s.out)
	kept, err := s.value(f, present)
	if err != nil {
		return err
	}
	if !kept || !f.zeros && parseIsZero(s.out[body:]) {
		s.out = s.out[:start]
	}
	if present != nil && len(present.children) == 0 {
		present.whole = true
	}
	return nil
}

// mention marks a field as present. It returns the node for what the field's message mentions, or
// nil if the field counts as a whole.
func (f *parseField) mention(present *selNode, isNull bool) *selNode {
	if f.fd.IsExtension() {
		return nil
	}
	node := present.child(string(f.fd.Name()), f.fd)
	if isNull || f.shape != parseSingular || f.message == nil || f.message.special != nil {
		node.whole = true
		return nil
	}
	return node
}

// parseIsZero tells whether the encoded scalar is zero, or empty. The sign of -0.0 is a bit that is
// set, and so is some bit of the length of a string.
func parseIsZero(value []byte) bool {
	for _, b := range value {
		if b != 0 {
			return false
		}
	}
	return true
}

// value reads one value of a field, whose tag is written already. It tells whether there is one: the
// lenient drop enum names that they do not know.
func (s *parseState) value(f *parseField, present *selNode) (kept bool, err *SyntaxError) {
	switch {
	case f.message == nil:
		return s.scalar(f)
	case f.kind == protoreflect.GroupKind:
		err = s.message(f.message, present, false)
		s.out = protowire.AppendTag(s.out, f.fd.Number(), protowire.EndGroupType)
	default:
		body := s.beginLength()
		err = s.message(f.message, present, false)
		s.endLength(body)
	}
	return true, err
}

// list reads a repeated field.
func (s *parseState) list(f *parseField) *SyntaxError {
	if s.peek() != '[' {
		return s.notA("a list")
	}
	start := len(s.out)
	body := start
	if f.packed {
		s.out = protowire.AppendTag(s.out, f.fd.Number(), protowire.BytesType)
		body = s.beginLength()
	}
	s.open()
	for i := 0; ; i++ {
		more, err := s.another(i == 0, ']')
		if err != nil {
			return err
		}
		if !more {
			break
		}
		element := len(s.out)
		if !f.packed {
			s.out = protowire.AppendVarint(s.out, f.tag)
		}
		kept, err := s.value(f, nil)
		if err != nil {
			return err.withinIndex(i)
		}
		if !kept {
			s.out = s.out[:element]
		}
	}
	if !f.packed {
		return nil
	}
	if len(s.out) == body {
		s.out = s.out[:start]
		return nil
	}
	s.endLength(body)
	return nil
}

// parseKey is a key of a map: where it stands in the wire bytes, and in the text.
type parseKey struct {
	start, end int
	pos        int
}

// mapping reads a map field.
func (s *parseState) mapping(f *parseField) *SyntaxError {
	if s.peek() != '{' {
		return s.notA("an object; it stands for a map")
	}
	s.open()
	base := len(s.keys)
	for first := true; ; first = false {
		name, more, err := s.member(first)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if err := s.entry(f, name); err != nil {
			return err
		}
	}
	err := s.duplicateKey(s.keys[base:])
	s.keys = s.keys[:base]
	return err
}

// entry reads the value of one key of a map and appends both.
func (s *parseState) entry(f *parseField, name []byte) *SyntaxError {
	start := len(s.out)
	namePos := s.namePos
	s.out = protowire.AppendVarint(s.out, f.tag)
	body := s.beginLength()
	if !s.mapKey(f.key, name) {
		return s.errorf(namePos, "%s is not %s, as the keys of this map are", selShow(string(name)), parseKindNames[f.key.kind])
	}
	end := len(s.out)
	s.out = protowire.AppendVarint(s.out, f.value.tag)
	kept, err := s.value(f.value, nil)
	if err != nil {
		return err.withinKey(s.in, namePos)
	}
	if !kept {
		s.out = s.out[:start]
		return nil
	}
	shift := s.endLength(body)
	s.keys = append(s.keys, parseKey{start: body + shift, end: end + shift, pos: namePos})
	return nil
}

// mapKey appends a key of a map.
func (s *parseState) mapKey(f *parseField, name []byte) bool {
	s.out = protowire.AppendVarint(s.out, f.tag)
	switch f.kind {
	case protoreflect.StringKind:
		s.out = protowire.AppendBytes(s.out, name)
		return true
	case protoreflect.BoolKind:
		isTrue := string(name) == "true"
		s.out = protowire.AppendVarint(s.out, protowire.EncodeBool(isTrue))
		return isTrue || string(name) == "false"
	}
	bits, signed := parseIntegerType(f.kind)
	if signed {
		v, err := strconv.ParseInt(string(name), 10, bits)
		s.out = parseAppendInteger(s.out, f.kind, uint64(v))
		return err == nil
	}
	v, err := strconv.ParseUint(string(name), 10, bits)
	s.out = parseAppendInteger(s.out, f.kind, v)
	return err == nil
}

// duplicateKey returns an error if two keys are the same. Sorting finds them without a set to
// allocate.
func (s *parseState) duplicateKey(keys []parseKey) *SyntaxError {
	if len(keys) < 2 {
		return nil
	}
	out := s.out
	slices.SortFunc(keys, func(a, b parseKey) int {
		return bytes.Compare(out[a.start:a.end], out[b.start:b.end])
	})
	for i := range keys[1:] {
		a, b := keys[i], keys[i+1]
		if bytes.Equal(out[a.start:a.end], out[b.start:b.end]) {
			return s.errorf(max(a.pos, b.pos), "the key is given twice").withinKey(s.in, max(a.pos, b.pos))
		}
	}
	return nil
}

// beginLength reserves one byte for the length of what comes next and returns where that begins.
func (s *parseState) beginLength() int {
	s.out = append(s.out, 0)
	return len(s.out)
}

// endLength writes the length of what began at body. A length of more than one byte moves it up, by
// the shift that is returned: once a level, so a text costs at most its size times its depth.
func (s *parseState) endLength(body int) (shift int) {
	n := len(s.out) - body
	if n < 0x80 {
		s.out[body-1] = byte(n)
		return 0
	}
	var room [binary.MaxVarintLen64]byte
	shift = protowire.SizeVarint(uint64(n)) - 1
	s.out = append(s.out, room[:shift]...)
	copy(s.out[body+shift:], s.out[body:body+n])
	binary.PutUvarint(s.out[body-1:], uint64(n))
	return shift
}
