package plan_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/document"
	"facet/internal/plan"
	"facet/internal/problem"
	"facet/internal/schema"
)

// shop is the schema of testdata/shop.proto and its downstream services, which answer what they are told to and
// record what they are asked.
type shop struct {
	schema *schema.Schema
	types  *plan.Types

	mu      sync.Mutex
	answers map[string][]answer // by method
	calls   []string
}

// answer is what a method answers a request: a reply as JSON, malformed bytes, or a status.
type answer struct {
	request string // as JSON; `*` is any
	reply   string
}

func newShop(t testing.TB) *shop {
	t.Helper()
	text, err := os.ReadFile("testdata/shop.proto")
	if err != nil {
		t.Fatal(err)
	}
	built, problems := schema.Build(t.Context(), []schema.File{{Name: "shop.proto", Data: text}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	types, err := plan.NewTypes(built.Files(), built.Types())
	if err != nil {
		t.Fatal(err)
	}
	return &shop{schema: built, types: types, answers: map[string][]answer{}}
}

// spec makes the specification of a method from its YAML.
func (s *shop) spec(t testing.TB, method, yaml string) plan.Spec {
	t.Helper()
	md, err := s.schema.Method("shop.v1.Shop/" + method)
	if err != nil {
		t.Fatal(err)
	}
	config := &gatewayv1.Method{}
	positions, problems := document.Decode("shop.yaml", []byte(yaml), config)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return plan.Spec{
		Method: md,
		Config: config,
		Types:  s.types,
		Locate: func(path ...string) problem.Position { return positions.At(path...) },
		Caller: func(service protoreflect.FullName) (plan.Upstream, bool) {
			name := strings.ToLower(strings.TrimSuffix(string(service.Name()), "Service"))
			return plan.Upstream{Name: name, Caller: s, Config: &gatewayv1.Upstream{}}, service.Name() != "Shop"
		},
	}
}

// answer sets what a method answers; earlier answers of the method are forgotten.
func (s *shop) answer(method, lines string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[method] = nil
	for line := range strings.Lines(lines) {
		request, reply, _ := strings.Cut(strings.TrimSpace(line), " -> ")
		s.answers[method] = append(s.answers[method], answer{request, reply})
	}
}

// Call implements plan.Caller.
func (s *shop) Call(ctx context.Context, method string, request []byte) (mem.Buffer, error) {
	answer, md, err := s.find(ctx, method, request)
	if err != nil {
		return nil, err
	}
	return s.send(answer, md)
}

// find records a request and returns the answer to it, and the type of the reply.
func (s *shop) find(ctx context.Context, method string, request []byte) (string, protoreflect.MessageDescriptor, error) {
	name := strings.TrimPrefix(method, "/shop.v1.")
	md, err := s.schema.Method(strings.TrimPrefix(method, "/"))
	if err != nil {
		return "", nil, err
	}
	text, err := s.toJSON(md.Input(), request)
	if err != nil {
		return "", nil, status.Errorf(codes.InvalidArgument, "malformed request: %v", err)
	}
	outgoing, _ := metadata.FromOutgoingContext(ctx)
	record := name + " " + text
	if selection := outgoing.Get("x-select"); len(selection) > 0 {
		record += " x-select: " + strings.Join(selection, "|")
	}
	if !slices.Equal(outgoing.Get("x-env"), []string{"blue"}) {
		record += " lost its metadata"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, record)
	for _, a := range s.answers[name] {
		if a.request == "*" || sameJSON(a.request, mask.ReplaceAllString(text, "")) {
			return a.reply, md.Output(), nil
		}
	}
	return "", nil, status.Errorf(codes.Unimplemented, "no answer for %s", text)
}

// Stream implements plan.Caller. The answer is a list of messages, separated by ` | `, of which the last may be a status.
func (s *shop) Stream(ctx context.Context, method string, request []byte, message func(mem.Buffer) error) error {
	answer, md, err := s.find(ctx, method, request)
	if err != nil {
		return err
	}
	for part := range strings.SplitSeq(answer, " | ") {
		buffer, err := s.send(part, md)
		if err != nil {
			return err
		}
		if err := message(buffer); err != nil {
			return err
		}
	}
	return nil
}

func (s *shop) send(reply string, md protoreflect.MessageDescriptor) (mem.Buffer, error) {
	if strings.HasPrefix(reply, "{") {
		msg := dynamicpb.NewMessage(md)
		opts := protojson.UnmarshalOptions{Resolver: s.schema.Types()}
		if err := opts.Unmarshal([]byte(reply), msg); err != nil {
			return nil, err
		}
		wire, err := proto.Marshal(msg)
		return mem.SliceBuffer(wire), err
	}
	if text, ok := strings.CutPrefix(reply, "wire "); ok {
		var wire []byte
		_, err := fmt.Sscanf(text, "%x", &wire)
		return mem.SliceBuffer(wire), err
	}
	name, message, _ := strings.Cut(reply, ": ")
	var code codes.Code
	if err := json.Unmarshal([]byte(`"`+name+`"`), &code); err != nil {
		return nil, err
	}
	return nil, status.Error(code, message)
}

// mask is what answers do not care about in a request.
var mask = regexp.MustCompile(`,?"readMask":"[^"]*"`)

// recorded returns and forgets the calls that were made, in a stable order, one a line.
func (s *shop) recorded() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(s.calls)
	var out strings.Builder
	for _, call := range s.calls {
		out.WriteString(call + "\n")
	}
	s.calls = nil
	return out.String()
}

func (s *shop) message(t testing.TB, name protoreflect.FullName) protoreflect.MessageDescriptor {
	t.Helper()
	d, err := s.schema.Files().FindDescriptorByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return d.(protoreflect.MessageDescriptor)
}

// wire encodes a message given as JSON.
func (s *shop) wire(t testing.TB, name protoreflect.FullName, text string) []byte {
	t.Helper()
	msg := dynamicpb.NewMessage(s.message(t, name))
	if strings.TrimSpace(text) != "" {
		if err := protojson.Unmarshal([]byte(text), msg); err != nil {
			t.Fatal(err)
		}
	}
	wire, err := proto.Marshal(msg)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}

func (s *shop) json(t testing.TB, name protoreflect.FullName, wire []byte) string {
	t.Helper()
	text, err := s.toJSON(s.message(t, name), wire)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// toJSON renders a message compactly: protojson varies its spaces.
func (s *shop) toJSON(md protoreflect.MessageDescriptor, wire []byte) (string, error) {
	msg := dynamicpb.NewMessage(md)
	if err := proto.Unmarshal(wire, msg); err != nil {
		return "", err
	}
	text, err := protojson.MarshalOptions{Resolver: s.schema.Types()}.Marshal(msg)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	err = json.Compact(&out, text)
	return out.String(), err
}

func sameJSON(a, b string) bool {
	var va, vb bytes.Buffer
	return json.Compact(&va, []byte(a)) == nil && json.Compact(&vb, []byte(b)) == nil && va.String() == vb.String()
}
