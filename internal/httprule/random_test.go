package httprule

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
)

// TestRandomQueries makes random messages, writes them as queries and reads them back.
func TestRandomQueries(t *testing.T) {
	method := testMethod(t, "library.proto", "Find")
	binding := testBinding(t, method, testRule("GET", "/", ""), Options{})
	random := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		want := dynamicpb.NewMessage(method.Input())
		q := queryWriter{random: random}
		q.message(want, "", 3)
		query := strings.Join(q.parameters, "&")
		wire, err := binding.AppendRequest(nil, &Match{}, query, nil)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		got := dynamicpb.NewMessage(method.Input())
		if err := proto.Unmarshal(wire, got); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		if !proto.Equal(got, want) {
			t.Fatalf("%s\ngot  %v\nwant %v", query, got, want)
		}
	}
}

// queryWriter fills messages at random and writes each value as a parameter.
type queryWriter struct {
	random     *rand.Rand
	parameters []string
}

func (q *queryWriter) message(m protoreflect.Message, prefix string, depth int) {
	fields := m.Descriptor().Fields()
	for _, i := range q.random.Perm(fields.Len()) {
		fd := fields.Get(i)
		if oneof := fd.ContainingOneof(); oneof != nil && m.WhichOneof(oneof) != nil || q.random.IntN(3) > 0 {
			continue
		}
		name := prefix + string(fd.Name())
		if q.random.IntN(2) == 0 {
			name = prefix + fd.JSONName()
		}
		switch md := fd.Message(); {
		case fd.IsMap() || fd.IsList() && md != nil || md != nil && isOpaque(md.FullName()):
		case fd.IsList():
			for range q.random.IntN(4) {
				m.Mutable(fd).List().Append(q.value(fd, name))
			}
		case md == nil:
			m.Set(fd, q.value(fd, name))
		case hasTextForm(md.FullName()):
			q.wellKnown(m.Mutable(fd).Message(), name)
		case depth > 0:
			before := len(q.parameters)
			q.message(m.Mutable(fd).Message(), name+".", depth-1)
			if len(q.parameters) == before { // a query cannot tell an empty message
				m.Clear(fd)
			}
		}
	}
}

func (q *queryWriter) add(name, text string) {
	if q.random.IntN(2) == 0 {
		name = url.QueryEscape(name)
	}
	q.parameters = append(q.parameters, name+"="+url.QueryEscape(text))
}

func (q *queryWriter) value(fd protoreflect.FieldDescriptor, name string) protoreflect.Value {
	text, value := "", protoreflect.Value{}
	switch fd.Kind() {
	case protoreflect.StringKind:
		text = pick(q.random, "", "a", "a b", "é+&=%", "100%25", ".")
		value = protoreflect.ValueOfString(text)
	case protoreflect.BytesKind:
		data := []byte(pick(q.random, "", "\x00", "\xff\xfe", "abcd"))
		text, value = base64.URLEncoding.EncodeToString(data), protoreflect.ValueOfBytes(data)
	case protoreflect.BoolKind:
		value = protoreflect.ValueOfBool(q.random.IntN(2) == 0)
	case protoreflect.EnumKind:
		n := protoreflect.EnumNumber(q.random.IntN(4))
		value = protoreflect.ValueOfEnum(n)
		if known := fd.Enum().Values().ByNumber(n); known != nil && q.random.IntN(2) == 0 {
			text = string(known.Name())
		}
	case protoreflect.DoubleKind:
		value = protoreflect.ValueOfFloat64(q.random.NormFloat64())
	case protoreflect.Int32Kind:
		value = protoreflect.ValueOfInt32(int32(q.random.Uint32()))
	case protoreflect.Int64Kind:
		value = protoreflect.ValueOfInt64(int64(q.random.Uint64()))
	default:
		panic(fmt.Sprintf("the test's message has a field of kind %v", fd.Kind()))
	}
	if kind := fd.Kind(); text == "" && kind != protoreflect.StringKind && kind != protoreflect.BytesKind {
		text = fmt.Sprint(value.Interface())
	}
	q.add(name, text)
	return value
}

func (q *queryWriter) wellKnown(m protoreflect.Message, name string) {
	text := map[protoreflect.Name]string{
		"Timestamp": pick(q.random, "1970-01-01T00:00:00Z", "2026-01-02T03:04:05.678Z"),
		"Duration":  pick(q.random, "0s", "-1.500s"),
		"FieldMask": pick(q.random, "", "a,bC.d"),
	}[m.Descriptor().Name()]
	if value := m.Descriptor().Fields().ByName("value"); value != nil {
		m.Set(value, q.value(value, name))
		return
	}
	if err := protojson.Unmarshal(fmt.Appendf(nil, "%q", text), m.Interface()); err != nil {
		panic(err)
	}
	q.add(name, text)
}

// FuzzAppendRequest checks that whatever comes by path, query and body is a readable request message or a BadRequest.
func FuzzAppendRequest(f *testing.F) {
	f.Add("GET", "/find/a/b%2Fc", "pageSize=3&inner.tags=a&tags=b&select=x", "")
	f.Add("POST", "/find/7/Ann", "author.born=3", `{"name": "Ann"}`)
	f.Add("PUT", "/find/a:all", "", `{"x": "b"}`)
	method := testMethod(f, "library.proto", "Find")
	var router Router[struct{}]
	for _, rule := range []struct{ httpMethod, template, body string }{
		{"GET", "/find/{x}/{y=**}", ""},
		{"POST", "/find/{page_size}/{inner.author.name}", "author"},
		{"PUT", "/find/{x=*}:all", "*"},
	} {
		binding := testBinding(f, method, testRule(rule.httpMethod, rule.template, rule.body), Options{Reserved: []string{"select"}})
		if err := router.Add(binding, struct{}{}); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, httpMethod, path, query, body string) {
		var match Match
		if _, found, _ := router.Find(httpMethod, path, &match); !found {
			return
		}
		wire, err := match.Binding.AppendRequest(nil, &match, query, []byte(body))
		if err != nil {
			if _, ok := errors.AsType[*BadRequest](err); !ok {
				t.Fatalf("%v is a %T", err, err)
			}
			return
		}
		if err := proto.Unmarshal(wire, dynamicpb.NewMessage(method.Input())); err != nil {
			t.Fatalf("%x: %v", wire, err)
		}
	})
}
