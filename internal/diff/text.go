package diff

import (
	"fmt"
	"strings"

	"facet/internal/snapshot"
)

// Text returns the unified diff of two sets of documents, in the order of their names; it is empty if they are the same.
func Text(before, after []snapshot.Document) string {
	was, is := byName(before), byName(after)
	var out strings.Builder
	for _, name := range union(was, is) {
		old, inOld := was[name]
		current, inNew := is[name]
		if old == current && inOld == inNew {
			continue
		}
		fmt.Fprintf(&out, "--- %s\n+++ %s\n", side("a/", name, inOld), side("b/", name, inNew))
		writeHunks(&out, editScript(lines(old), lines(current)))
	}
	return out.String()
}

func byName(documents []snapshot.Document) map[string]string {
	texts := make(map[string]string, len(documents))
	for _, d := range documents {
		texts[d.Name] = string(d.Data)
	}
	return texts
}

// side names a document; one that is not there is /dev/null, as `patch` expects.
func side(prefix, name string, there bool) string {
	if !there {
		return "/dev/null"
	}
	return prefix + name
}

// lines splits a text behind each newline; a last line without one says so.
func lines(text string) []string {
	split := strings.SplitAfter(text, "\n")
	last := len(split) - 1
	if split[last] == "" {
		return split[:last]
	}
	split[last] += "\n\\ No newline at end of file\n"
	return split
}

// context is how many common lines surround a change.
const context = 3

// writeHunks writes the edits that lie near each other, with the common lines around them.
func writeHunks(out *strings.Builder, edits []edit) {
	before, after := 0, 0 // lines passed
	for i := 0; i < len(edits); {
		end := hunkEnd(edits, i)
		if end == i {
			before, after, i = before+1, after+1, i+1
			continue
		}
		old, current := 0, 0
		for _, e := range edits[i:end] {
			if e.sign != '+' {
				old++
			}
			if e.sign != '-' {
				current++
			}
		}
		fmt.Fprintf(out, "@@ -%s +%s @@\n", lineRange(before, old), lineRange(after, current))
		for _, e := range edits[i:end] {
			out.WriteByte(e.sign)
			out.WriteString(e.line)
		}
		before, after, i = before+old, after+current, end
	}
}

// hunkEnd returns where the hunk ends that begins at start; start itself if none does.
func hunkEnd(edits []edit, start int) int {
	end := start
	for i := start; i < min(len(edits), max(end, start)+context+1); i++ {
		if edits[i].sign != ' ' {
			end = i + 1 + context
		}
	}
	return min(end, len(edits))
}

// lineRange is `first,count`, where first counts from 1; of no lines it is the one before.
func lineRange(passed, count int) string {
	if count > 0 {
		passed++
	}
	return fmt.Sprintf("%d,%d", passed, count)
}
