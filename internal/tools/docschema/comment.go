package main

import (
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/document"
)

// blankLine is one of a comment, which may hold the space behind its slashes.
var blankLine = regexp.MustCompile(`\n *\n`)

// comment returns the first paragraph of the comment above a declaration that is not a heading, on one line.
func comment(d protoreflect.Descriptor) string {
	text := d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments
	for _, paragraph := range blankLine.Split(strings.TrimSpace(text), -1) {
		if !strings.HasPrefix(paragraph, "#") {
			return strings.Join(strings.Fields(paragraph), " ")
		}
	}
	return ""
}

// enumComment lists what the values of an enum mean, by the names that documents have for them.
func enumComment(ed protoreflect.EnumDescriptor) string {
	var text strings.Builder
	var renames []string
	names, numbers := document.EnumNames(ed)
	for i, name := range names {
		value := ed.Values().ByNumber(numbers[i])
		text.WriteString("\n- `" + name + "`: " + comment(value))
		renames = append(renames, string(value.Name()), "`"+name+"`")
	}
	return strings.NewReplacer(renames...).Replace(text.String())
}

// isRequired tells whether the comment of a field says so.
func isRequired(fd protoreflect.FieldDescriptor) bool {
	text := comment(fd)
	return text == "Required." || strings.HasSuffix(text, " Required.")
}

var (
	statedDefault = regexp.MustCompile(`Default: (.+)`)
	number        = regexp.MustCompile(`^-?\d+`)
	duration      = regexp.MustCompile(`^\d+(ms|s|m|h)\b`)
	quoted        = regexp.MustCompile("^`([^`]+)`")
)

// defaultOf returns the default that the comment of a field states as a value, nil if it states none or describes it. An
// enum has the value whose comment ends with "The default."
func defaultOf(fd protoreflect.FieldDescriptor) any {
	if fd.Enum() != nil {
		return defaultValue(fd.Enum())
	}
	stated := statedDefault.FindStringSubmatch(comment(fd))
	if stated == nil || fd.IsList() || fd.IsMap() {
		return nil
	}
	switch fd.Kind() {
	case protoreflect.Int32Kind, protoreflect.Int64Kind, protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		if n, err := strconv.ParseInt(number.FindString(stated[1]), 10, 64); err == nil {
			return n
		}
	case protoreflect.StringKind:
		if text := quoted.FindStringSubmatch(stated[1]); text != nil {
			return text[1]
		}
	case protoreflect.MessageKind:
		if text := duration.FindString(stated[1]); text != "" {
			return text
		}
	}
	return nil
}

func defaultValue(ed protoreflect.EnumDescriptor) any {
	names, numbers := document.EnumNames(ed)
	for i, name := range names {
		if strings.HasSuffix(comment(ed.Values().ByNumber(numbers[i])), "The default.") {
			return name
		}
	}
	return nil
}
