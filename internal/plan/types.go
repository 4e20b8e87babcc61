package plan

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/parser"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Types is the type system of expressions, over the descriptors of a snapshot. It is built once and
// shared by all plans: a plan only adds its variables. It is safe for concurrent use.
type Types struct {
	files    *protoregistry.Files
	types    *protoregistry.Types
	registry *types.Registry
	env      *cel.Env
	parser   *parser.Parser
}

// NewTypes makes the type system of a snapshot. types resolves google.protobuf.Any when a reply is
// checked; nil knows none.
func NewTypes(files *protoregistry.Files, anyTypes *protoregistry.Types) (*Types, error) {
	registry, err := types.NewProtoRegistry()
	if err != nil {
		return nil, fmt.Errorf("plan: expression types: %w", err)
	}
	t := &Types{files: files, types: anyTypes, registry: registry}
	files.RangeFiles(func(fd protoreflect.FileDescriptor) bool {
		if !standardFile(fd) {
			err = registry.RegisterDescriptor(snapshotFile{fd})
		}
		return err == nil
	})
	if err != nil {
		return nil, fmt.Errorf("plan: expression types: %w", err)
	}
	provider := &provider{Registry: registry, types: t}
	t.env, err = cel.NewEnv(
		cel.CustomTypeProvider(provider),
		cel.CustomTypeAdapter(provider),
		cel.DefaultUTCTimeZone(true),
	)
	if err != nil {
		return nil, fmt.Errorf("plan: expression environment: %w", err)
	}
	t.parser, err = parser.NewParser(parser.EnablePrattParser(true), parser.Macros(parser.AllMacros...))
	if err != nil {
		return nil, fmt.Errorf("plan: expression parser: %w", err)
	}
	return t, nil
}

// snapshotFile hides the path of a file from cel-go, which would otherwise prefer a file of the same
// path that happens to be linked into the binary.
type snapshotFile struct{ protoreflect.FileDescriptor }

func (f snapshotFile) Path() string { return "snapshot:" + f.FileDescriptor.Path() }

// standardFile tells whether cel-go brings the messages of a file along itself.
func standardFile(fd protoreflect.FileDescriptor) bool {
	switch fd.Path() {
	case "google/protobuf/any.proto", "google/protobuf/duration.proto", "google/protobuf/empty.proto",
		"google/protobuf/struct.proto", "google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto":
		return true
	}
	return false
}

// provider is a registry that builds messages of the snapshot's own types.
type provider struct {
	*types.Registry
	types *Types
}

// NewValue builds a message literal that stands inside a slow expression. It goes through the wire
// encoding, as every other message of a plan, because the registry would mix the descriptors of the
// snapshot with those linked into the binary.
func (p *provider) NewValue(typeName string, fields map[string]ref.Val) ref.Val {
	md, ok := p.types.message(typeName)
	if !ok {
		return p.Registry.NewValue(typeName, fields)
	}
	var wire []byte
	for name, val := range fields {
		fd := md.Fields().ByName(protoreflect.Name(name))
		if fd == nil {
			return types.NewErr("no such field: %s", name)
		}
		var err error
		if wire, err = appendField(wire, fd, val); err != nil {
			return types.NewErr("%s", err.Error())
		}
	}
	msg, err := decode(md, wire)
	if err != nil {
		return types.NewErr("%s", err.Error())
	}
	return p.NativeToValue(msg)
}

// message finds a message type of the snapshot.
func (t *Types) message(name string) (protoreflect.MessageDescriptor, bool) {
	d, err := t.files.FindDescriptorByName(protoreflect.FullName(name))
	if err != nil {
		return nil, false
	}
	md, ok := d.(protoreflect.MessageDescriptor)
	return md, ok
}

// decode makes an object of wire bytes, for cel-go. Extensions stay unknown fields.
func decode(md protoreflect.MessageDescriptor, wire []byte) (proto.Message, error) {
	msg := dynamicpb.NewMessage(md)
	opts := proto.UnmarshalOptions{AllowPartial: true, Resolver: noExtensions, RecursionLimit: maxDepth}
	return msg, opts.Unmarshal(wire, msg)
}

var noExtensions = new(protoregistry.Types)

// celMessageType is the type that a message has in expressions: well-known types have types of their own.
func celMessageType(md protoreflect.MessageDescriptor) *types.Type {
	switch md.FullName() {
	case "google.protobuf.Any":
		return types.AnyType
	case "google.protobuf.Duration":
		return types.DurationType
	case "google.protobuf.Timestamp":
		return types.TimestampType
	case "google.protobuf.Value":
		return types.DynType
	case "google.protobuf.ListValue":
		return types.NewListType(types.DynType)
	case "google.protobuf.Struct":
		return types.NewMapType(types.StringType, types.DynType)
	}
	if value := wrapped(md); value != nil {
		return types.NewNullableType(celScalarType(value.Kind()))
	}
	return types.NewObjectType(string(md.FullName()))
}

// celScalarType is the type that a scalar or enum has in expressions.
func celScalarType(kind protoreflect.Kind) *types.Type {
	if kind == protoreflect.EnumKind {
		return types.IntType
	}
	return types.ProtoCELPrimitives[kind]
}

// wrapped returns the field `value` of a wrapper such as google.protobuf.Int32Value, nil for other messages.
func wrapped(md protoreflect.MessageDescriptor) protoreflect.FieldDescriptor {
	switch md.FullName() {
	case "google.protobuf.BoolValue", "google.protobuf.BytesValue", "google.protobuf.DoubleValue",
		"google.protobuf.FloatValue", "google.protobuf.Int32Value", "google.protobuf.Int64Value",
		"google.protobuf.StringValue", "google.protobuf.UInt32Value", "google.protobuf.UInt64Value":
		return md.Fields().ByNumber(1)
	}
	return nil
}
