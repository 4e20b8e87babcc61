package backend

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// fields is a field mask as a tree. A field without any below it is meant whole.
type fields map[protoreflect.Name]fields

// parseMask reads a mask over a message type; name is that of the request's mask field.
func parseMask(name string, message protoreflect.MessageDescriptor, mask *fieldmaskpb.FieldMask) (fields, error) {
	tree := fields{}
	for _, path := range mask.GetPaths() {
		if err := tree.add(message, strings.Split(path, ".")); err != nil {
			return nil, invalid(name, "%q: %v", path, err)
		}
	}
	return tree, nil
}

func (f fields) add(message protoreflect.MessageDescriptor, path []string) error {
	if message == nil {
		return fmt.Errorf("nothing can be below a field that is not a message")
	}
	name := protoreflect.Name(path[0])
	field := message.Fields().ByName(name)
	if field == nil {
		return fmt.Errorf("%s has no field %q", message.FullName(), name)
	}
	below, named := f[name]
	if len(path) == 1 || (named && len(below) == 0) {
		f[name] = nil
		return nil
	}
	if below == nil {
		below = fields{}
		f[name] = below
	}
	if field.IsMap() {
		return fmt.Errorf("nothing can be below a map")
	}
	return below.add(field.Message(), path[1:])
}

// prune returns a copy of the message with just the fields of a read mask, which is relative to the message. Without a
// mask, or with `*`, it returns the message itself.
func prune[M proto.Message](message M, mask *fieldmaskpb.FieldMask) (M, error) {
	if everything(mask) {
		return message, nil
	}
	tree, err := parseMask("read_mask", message.ProtoReflect().Descriptor(), mask)
	if err != nil {
		return message, err
	}
	pruned := message.ProtoReflect().New()
	tree.copy(pruned, message.ProtoReflect())
	return pruned.Interface().(M), nil
}

func everything(mask *fieldmaskpb.FieldMask) bool {
	return len(mask.GetPaths()) == 0 || (len(mask.GetPaths()) == 1 && mask.GetPaths()[0] == "*")
}

// copy adds the fields of the tree to a message that has none. What is copied whole is shared.
func (f fields) copy(to, from protoreflect.Message) {
	for name, below := range f {
		field := from.Descriptor().Fields().ByName(name)
		switch {
		case !from.Has(field):
		case len(below) == 0:
			to.Set(field, from.Get(field))
		case field.IsList():
			source, target := from.Get(field).List(), to.Mutable(field).List()
			for i := range source.Len() {
				below.copy(target.AppendMutable().Message(), source.Get(i).Message())
			}
		default:
			below.copy(to.Mutable(field).Message(), from.Get(field).Message())
		}
	}
}

// update sets the fields of the tree in a message to what they are in another, also to nothing. Lists and maps are
// replaced.
func (f fields) update(to, from protoreflect.Message) {
	for name, below := range f {
		field := to.Descriptor().Fields().ByName(name)
		switch {
		case len(below) > 0:
			below.update(to.Mutable(field).Message(), from.Get(field).Message())
		case from.Has(field):
			to.Set(field, from.Get(field))
		default:
			to.Clear(field)
		}
	}
}
