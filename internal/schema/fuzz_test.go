package schema_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/schema"
)

// FuzzText holds Build to never panicking over text, and to placing its problems in it.
func FuzzText(f *testing.F) {
	f.Add([]byte(greeter))
	f.Add([]byte("edition = \"2023\"; message M { extensions 1; M m = 1 [default = 2]; }"))
	f.Add([]byte("syntax = \"proto2\"; import \"fuzz.proto\"; message M { optional group G = 1 {} }"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, problems := schema.Build(t.Context(), texts("fuzz.proto", string(text)))
		for _, p := range problems {
			if p.Document != "fuzz.proto" {
				t.Errorf("%v is not in the file", p)
			}
		}
	})
}

// FuzzDescriptorSet holds Build to never panicking over a descriptor set, nor what it returns over being read.
func FuzzDescriptorSet(f *testing.F) {
	s, problems := schema.Build(f.Context(), texts("greet/v1/greet.proto", greeter))
	if len(problems) > 0 {
		f.Fatal(problems)
	}
	file, err := s.Files().FindFileByPath("greet/v1/greet.proto")
	if err != nil {
		f.Fatal(err)
	}
	wire, err := proto.Marshal(protodesc.ToFileDescriptorProto(file))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 10_000 {
			return
		}
		set := append([]byte{0x0a, byte(len(file)) | 0x80, byte(len(file) >> 7)}, file...) // one element of field 1
		s, problems := schema.Build(t.Context(), []schema.File{{Name: "fuzz.binpb", Data: set}})
		if len(problems) > 0 {
			return
		}
		s.Files().RangeFiles(func(file protoreflect.FileDescriptor) bool {
			walk(file)
			return true
		})
		s.Types().RangeMessages(func(m protoreflect.MessageType) bool {
			m.New()
			return true
		})
	})
}

// walk reads what the rest of the gateway reads of descriptors.
func walk(file protoreflect.FileDescriptor) {
	for i := range file.Services().Len() {
		methods := file.Services().Get(i).Methods()
		for j := range methods.Len() {
			_, _ = methods.Get(j).Input().FullName(), methods.Get(j).Output().FullName()
			_, _ = schema.HTTPRule(methods.Get(j)) // malformed options are an error, which is fine
		}
	}
	for i := range file.Messages().Len() {
		fields := file.Messages().Get(i).Fields()
		for j := range fields.Len() {
			field := fields.Get(j)
			_, _ = field.JSONName(), field.Default()
			if field.Kind() == protoreflect.MessageKind {
				_ = field.Message().FullName()
			}
			if field.IsMap() {
				_, _ = field.MapKey().Kind(), field.MapValue().Kind()
			}
		}
	}
}
