package schema

import (
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// optionTypes resolves the options that we read.
var optionTypes = func() *protoregistry.Types {
	types := new(protoregistry.Types)
	if err := types.RegisterExtension(annotations.E_Http); err != nil {
		panic(err) // two extensions of one name in an empty registry: impossible
	}
	return types
}()

// HTTPRule returns the google.api.http option of a method, nil if it has none. Depending on where a descriptor comes
// from, the option is a dynamic message or bytes that nobody knew; so it is read again, as the Go type.
func HTTPRule(method protoreflect.MethodDescriptor) (*annotations.HttpRule, error) {
	wire, err := proto.Marshal(method.Options())
	if err != nil || len(wire) == 0 {
		return nil, err
	}
	options := new(descriptorpb.MethodOptions)
	if err := (proto.UnmarshalOptions{Resolver: optionTypes}).Unmarshal(wire, options); err != nil {
		return nil, err
	}
	if !proto.HasExtension(options, annotations.E_Http) {
		return nil, nil
	}
	return proto.GetExtension(options, annotations.E_Http).(*annotations.HttpRule), nil
}

// NoSideEffects tells whether a method declares that it has none: idempotency_level = NO_SIDE_EFFECTS. known is false
// if it does not say.
func NoSideEffects(method protoreflect.MethodDescriptor) (declared, known bool) {
	options, ok := method.Options().(*descriptorpb.MethodOptions)
	if !ok || options == nil || options.IdempotencyLevel == nil {
		return false, false
	}
	return options.GetIdempotencyLevel() == descriptorpb.MethodOptions_NO_SIDE_EFFECTS, true
}
