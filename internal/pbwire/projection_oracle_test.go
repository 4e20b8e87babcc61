package pbwire

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

var pairs = flag.Int("pbwire.pairs", 20_000, "how many random messages and selections projections are checked with")

// projectionOracle holds projections against proto.Unmarshal, a filter by reflection, and protojson.
type projectionOracle struct {
	*parseCorpus
}

// member is a member of a JSON object; objects keep their order.
type member struct {
	name  string
	value any
}

// readOrdered reads a JSON value: []member, []any, or the text of a scalar.
func readOrdered(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		members := []member{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			value, err := readOrdered(d)
			if err != nil {
				return nil, err
			}
			members = append(members, member{name.(string), value})
		}
		_, err = d.Token()
		return members, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			value, err := readOrdered(d)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err = d.Token()
		return list, err
	}
	return token, nil
}

func parseOrdered(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	value, err := readOrdered(d)
	if err == nil && d.InputOffset() != int64(len(text)) {
		err = errors.New("more after the value")
	}
	return value, err
}

// filterJSON drops what is not selected from a message in JSON, which protojson adds for unset fields.
func filterJSON(value any, md protoreflect.MessageDescriptor, sel *Selection) any {
	members, ok := value.([]member)
	if !ok || sel == nil {
		return value
	}
	kept := []member{}
	for _, m := range members {
		fd := fieldByJSON(md, m.name)
		if fd == nil {
			continue
		}
		sub, ok := sel.Field(fd)
		if !ok {
			continue
		}
		kept = append(kept, member{m.name, filterJSONField(m.value, fd, sub)})
	}
	return kept
}

// fieldByJSON finds a field by JSON name; the first, if two share it.
func fieldByJSON(md protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	for i := range md.Fields().Len() {
		if fd := md.Fields().Get(i); fd.JSONName() == name {
			return fd
		}
	}
	return nil
}

func filterJSONField(value any, fd protoreflect.FieldDescriptor, sub *Selection) any {
	switch {
	case sub == nil:
		return value
	case fd.IsMap():
		kept := []member{}
		entries, ok := value.([]member)
		if !ok {
			return value
		}
		for _, e := range entries {
			within, ok := sub.Key(e.name)
			if md := fd.MapValue().Message(); ok && md != nil {
				e.value = filterJSON(e.value, md, within)
			}
			if ok {
				kept = append(kept, e)
			}
		}
		return kept
	case fd.IsList():
		list := []any{}
		for _, element := range value.([]any) {
			list = append(list, filterJSON(element, fd.Message(), sub))
		}
		return list
	default:
		return filterJSON(value, fd.Message(), sub)
	}
}

// json is what AppendJSON must return; ok tells whether the message could be decoded.
func (o projectionOracle) json(md protoreflect.MessageDescriptor, sel *Selection, unset Unset, wire []byte) (value any, ok bool, err error) {
	m, err := o.dynamic(md, wire)
	if err != nil {
		return nil, false, err
	}
	filterMessage(m, sel)
	text, err := protojson.MarshalOptions{
		AllowPartial: true, Resolver: o.types,
		EmitDefaultValues: unset == UnsetDefaults, EmitUnpopulated: unset == UnsetKratos,
	}.Marshal(m)
	if err != nil {
		return nil, true, err
	}
	value, err = parseOrdered(text)
	return filterJSON(value, md, sel), true, err
}

// checkJSON holds AppendJSON against the oracle; it tells whether there was JSON to compare.
func (o projectionOracle) checkJSON(t *testing.T, md protoreflect.MessageDescriptor, sel *Selection, unset Unset, wire []byte) bool {
	t.Helper()
	p, err := Compile(md, sel, Options{Unset: unset, Types: o.types})
	if err != nil {
		t.Fatal(err)
	}
	want, decoded, wantErr := o.json(md, sel, unset, wire)
	got, err := p.AppendJSON([]byte("before"), wire)
	switch {
	case errors.Is(err, ErrDepth), errors.Is(wantErr, errNoOracle):
		return false
	case err != nil:
		if wantErr == nil {
			t.Fatalf("%s %s %x: %v; protojson accepts it", md.FullName(), sel, wire, err)
		}
		if string(got) != "before" {
			t.Fatalf("%s %s %x: dst is %q with an error", md.FullName(), sel, wire, got)
		}
		return false
	case wantErr != nil:
		if decoded || sel == nil {
			t.Fatalf("%s %s %x: accepted as %s; protojson: %v", md.FullName(), sel, wire, got, wantErr)
		}
		return false
	}
	text, _ := bytes.CutPrefix(got, []byte("before"))
	value, err := parseOrdered(text)
	if err != nil {
		t.Fatalf("%s %s %x: %s: %v", md.FullName(), sel, wire, text, err)
	}
	if !equalJSON(value, want) {
		t.Fatalf("%s %s %x:\n got %s\nwant %v", md.FullName(), sel, wire, text, want)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil || compact.Len() != len(text) {
		t.Fatalf("%s is not compact", text)
	}
	return true
}

func equalJSON(a, b any) bool {
	switch a := a.(type) {
	case []member:
		b, ok := b.([]member)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if a[i].name != b[i].name || !equalJSON(a[i].value, b[i].value) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equalJSON(a[i], b[i]) {
				return false
			}
		}
		return true
	}
	return a == b
}

// checkWire holds AppendWire and Check against the oracle; it tells whether there was a message to
// compare.
func (o projectionOracle) checkWire(t *testing.T, md protoreflect.MessageDescriptor, sel *Selection, wire []byte) bool {
	t.Helper()
	p, err := Compile(md, sel, Options{Types: o.types})
	if err != nil {
		t.Fatal(err)
	}
	want, wantErr := o.dynamic(md, wire)
	if errors.Is(wantErr, errNoOracle) {
		return false
	}
	if err := p.Check(wire); !errors.Is(err, ErrDepth) && (err != nil && wantErr == nil || err == nil && wantErr != nil && sel == nil) {
		t.Fatalf("%s %s %x: Check: %v; proto.Unmarshal: %v", md.FullName(), sel, wire, err, wantErr)
	}
	got, err := p.AppendWire([]byte("before"), wire)
	if err != nil {
		if wantErr == nil && !errors.Is(err, ErrDepth) {
			t.Fatalf("%s %s %x: %v; proto.Unmarshal accepts it", md.FullName(), sel, wire, err)
		}
		return false
	}
	if wantErr != nil {
		return false
	}
	filterMessage(want, sel)
	trimmed := strings.TrimPrefix(string(got), "before")
	m, err := o.dynamic(md, []byte(trimmed))
	if err != nil {
		t.Fatalf("%s %s %x: trimmed to %x: %v", md.FullName(), sel, wire, trimmed, err)
	}
	if !proto.Equal(m, want) {
		t.Fatalf("%s %s %x: trimmed to %x:\n got %v\nwant %v", md.FullName(), sel, wire, trimmed, m, want)
	}
	return true
}

func TestProjectionEqualsProtojson(t *testing.T) {
	o := projectionOracle{projectionCorpus(t)}
	r := parseRandom{rand.New(rand.NewPCG(1, 2)), o.parseCorpus}
	rendered, trimmed := 0, 0
	for i := range *pairs {
		md := o.roots[i%len(o.roots)]
		wire, sel := r.wire(t, md), r.selection(t, md)
		if o.checkJSON(t, md, sel, unsetModes[r.IntN(len(unsetModes))], wire) {
			rendered++
		}
		if o.checkWire(t, md, sel, wire) {
			trimmed++
		}
	}
	if rendered < *pairs/2 || trimmed < *pairs/2 {
		t.Errorf("only %d of %d messages were rendered, and %d trimmed: the test checks too little", rendered, *pairs, trimmed)
	}
}
