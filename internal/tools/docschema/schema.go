package main

import (
	"fmt"
	"math"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/document"
)

// schema is a JSON Schema, as far as it is needed here. Its keywords are in the order that people read them in.
type schema struct {
	Version              string             `json:"$schema,omitempty"`
	Title                string             `json:"title,omitempty"`
	Description          string             `json:"description,omitempty"`
	Ref                  string             `json:"$ref,omitempty"`
	Type                 string             `json:"type,omitempty"`
	Enum                 []string           `json:"enum,omitempty"`
	Pattern              string             `json:"pattern,omitempty"`
	Minimum              *int64             `json:"minimum,omitempty"`
	Maximum              *int64             `json:"maximum,omitempty"`
	Default              any                `json:"default,omitempty"`
	Examples             []string           `json:"examples,omitempty"`
	Items                *schema            `json:"items,omitempty"`
	Properties           map[string]*schema `json:"properties,omitempty"`
	AdditionalProperties any                `json:"additionalProperties,omitempty"` // false, or a *schema
	Required             []string           `json:"required,omitempty"`
	AllOf                []*schema          `json:"allOf,omitempty"`
	OneOf                []*schema          `json:"oneOf,omitempty"`
	AnyOf                []*schema          `json:"anyOf,omitempty"`
	Not                  *schema            `json:"not,omitempty"`
	Defs                 map[string]*schema `json:"$defs,omitempty"`
}

// schemaOf returns the schema of documents that hold one message.
func schemaOf(md protoreflect.MessageDescriptor) (*schema, error) {
	g := generator{defs: map[string]*schema{}}
	root, err := g.fields(md)
	if err != nil {
		return nil, err
	}
	root.Version = "https://json-schema.org/draft/2020-12/schema"
	root.Title = string(md.FullName())
	root.Defs = g.defs
	return root, nil
}

// generator collects the definitions that a schema refers to.
type generator struct{ defs map[string]*schema }

// message returns a reference to the schema of a message, or what stands for a well-known one. The cases are those of
// package document.
func (g *generator) message(md protoreflect.MessageDescriptor) (*schema, error) {
	name := string(md.FullName())
	switch name {
	case "google.protobuf.Duration":
		return &schema{Type: "string", Pattern: durationPattern, Examples: []string{"800ms", "2s"}}, nil
	case "google.protobuf.Value":
		return &schema{}, nil // an expression, a number, a boolean, or a mapping or list of them
	}
	if md.ParentFile().Package() == "google.protobuf" {
		return nil, fmt.Errorf("how a %s is written is not known here; see package document", name)
	}
	if g.defs[name] == nil {
		g.defs[name] = &schema{} // which ends the recursion
		definition, err := g.fields(md)
		if err != nil {
			return nil, err
		}
		g.defs[name] = definition
	}
	return &schema{Ref: "#/$defs/" + name}, nil
}

// durationPattern is what time.ParseDuration reads, but for negative ones.
const durationPattern = `^\+?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))*)$`

// fields returns the schema of a mapping of a message's fields.
func (g *generator) fields(md protoreflect.MessageDescriptor) (*schema, error) {
	s := &schema{Type: "object", Description: comment(md), Properties: map[string]*schema{}, AdditionalProperties: false}
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		property, err := g.field(fd)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", fd.FullName(), err)
		}
		s.Properties[string(fd.Name())] = property
		if isRequired(fd) {
			s.Required = append(s.Required, string(fd.Name()))
		}
	}
	for i := range md.Oneofs().Len() {
		if oneof := md.Oneofs().Get(i); oneof.Fields().Len() > 1 {
			s.AllOf = append(s.AllOf, atMostOne(oneof))
		}
	}
	return s, nil
}

// atMostOne returns the schema of mappings that have one field of a oneof, or none.
func atMostOne(oneof protoreflect.OneofDescriptor) *schema {
	s, none := &schema{}, &schema{}
	for i := range oneof.Fields().Len() {
		has := &schema{Required: []string{string(oneof.Fields().Get(i).Name())}}
		s.OneOf = append(s.OneOf, has)
		none.AnyOf = append(none.AnyOf, has)
	}
	s.OneOf = append(s.OneOf, &schema{Not: none})
	return s
}

// field returns the schema of a field, with what its comment says.
func (g *generator) field(fd protoreflect.FieldDescriptor) (s *schema, err error) {
	switch {
	case fd.IsMap():
		if fd.MapKey().Kind() != protoreflect.StringKind {
			return nil, fmt.Errorf("only maps of texts are written as mappings here, not of %s", fd.MapKey().Kind())
		}
		values, valuesErr := g.value(fd.MapValue())
		s, err = &schema{Type: "object", AdditionalProperties: values}, valuesErr
	case fd.IsList():
		items, itemsErr := g.value(fd)
		s, err = &schema{Type: "array", Items: items}, itemsErr
	default:
		s, err = g.value(fd)
	}
	if err != nil {
		return nil, err
	}
	s.Description = strings.TrimSpace(comment(fd) + s.Description)
	s.Default = defaultOf(fd)
	return s, nil
}

// value returns the schema of one value.
func (g *generator) value(fd protoreflect.FieldDescriptor) (*schema, error) {
	switch fd.Kind() {
	case protoreflect.MessageKind:
		return g.message(fd.Message())
	case protoreflect.EnumKind:
		names, _ := document.EnumNames(fd.Enum())
		return &schema{Type: "string", Enum: names, Description: enumComment(fd.Enum())}, nil
	case protoreflect.BoolKind:
		return &schema{Type: "boolean"}, nil
	case protoreflect.StringKind:
		return &schema{Type: "string"}, nil
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return &schema{Type: "number"}, nil
	case protoreflect.Int32Kind:
		return count(math.MaxInt32), nil
	case protoreflect.Uint32Kind:
		return count(math.MaxUint32), nil
	case protoreflect.Int64Kind, protoreflect.Uint64Kind:
		return count(math.MaxInt64), nil
	}
	return nil, fmt.Errorf("how a %s is written is not known here; see package document", fd.Kind())
}

// count returns the schema of integers from 0: every integer that documents have is a number of something, and what builds a
// snapshot refuses negative ones.
func count(highest int64) *schema {
	return &schema{Type: "integer", Minimum: new(int64), Maximum: &highest}
}
