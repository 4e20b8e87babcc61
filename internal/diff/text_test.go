package diff_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"facet/internal/diff"
	"facet/internal/snapshot"
)

func TestText(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ before, after, want string }{
		"the same": {"a: 1\n", "a: 1\n", ""},
		"changed":  {"a\nb\nc\nd\ne\nf\ng\nh\n", "a\nb\nc\nd\nE\nf\ng\nh\n", "--- a/x.yaml\n+++ b/x.yaml\n@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n"},
		"two hunks": {
			"a\nb\nc\nd\ne\nf\ng\nh\ni\n", "A\nb\nc\nd\ne\nf\ng\nh\nI\n",
			"--- a/x.yaml\n+++ b/x.yaml\n@@ -1,4 +1,4 @@\n-a\n+A\n b\n c\n d\n@@ -6,4 +6,4 @@\n f\n g\n h\n-i\n+I\n",
		},
		"hunks that meet": {
			"a\nb\nc\nd\ne\nf\ng\nh\n", "A\nb\nc\nd\ne\nf\ng\nH\n",
			"--- a/x.yaml\n+++ b/x.yaml\n@@ -1,8 +1,8 @@\n-a\n+A\n b\n c\n d\n e\n f\n g\n-h\n+H\n",
		},
		"added":             {"", "a\n", "--- a/x.yaml\n+++ b/x.yaml\n@@ -0,0 +1,1 @@\n+a\n"},
		"without a newline": {"a\n", "a", "--- a/x.yaml\n+++ b/x.yaml\n@@ -1,1 +1,1 @@\n-a\n+a\n\\ No newline at end of file\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := diff.Text(one(test.before), one(test.after)); got != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

// one returns a set of one document.
func one(text string) []snapshot.Document {
	return []snapshot.Document{{Name: "x.yaml", Data: []byte(text)}}
}

func TestTextNamesDocumentsThatCameAndWent(t *testing.T) {
	t.Parallel()
	before := []snapshot.Document{{Name: "b.yaml", Data: []byte("b\n")}, {Name: "same.yaml", Data: []byte("s\n")}}
	after := []snapshot.Document{{Name: "same.yaml", Data: []byte("s\n")}, {Name: "a.yaml", Data: []byte("a\n")}}
	want := "--- /dev/null\n+++ b/a.yaml\n@@ -0,0 +1,1 @@\n+a\n--- a/b.yaml\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-b\n"
	if got := diff.Text(before, after); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

// TestTextApplies applies the diffs of random texts.
func TestTextApplies(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		random := rand.New(rand.NewPCG(seed, 0))
		before, after := randomText(random), randomText(random)
		if got := apply(t, before, diff.Text(one(before), one(after))); got != after {
			t.Fatalf("seed %d: %q became %q, want %q", seed, before, got, after)
		}
	}
}

func randomText(random *rand.Rand) string {
	var text strings.Builder
	for range random.IntN(20) {
		fmt.Fprintf(&text, "%c\n", 'a'+random.IntN(12))
	}
	return text.String()
}

// apply does what a unified diff of one document says.
func apply(t *testing.T, text, patch string) string {
	t.Helper()
	old := strings.SplitAfter(text, "\n")
	var out strings.Builder
	passed := 0
	for line := range strings.Lines(patch) {
		switch {
		case strings.HasPrefix(line, "---"), strings.HasPrefix(line, "+++"):
		case strings.HasPrefix(line, "@@"):
			var first, count, ignored int
			if _, err := fmt.Sscanf(line, "@@ -%d,%d +%d,%d @@", &first, &count, &ignored, &ignored); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if count > 0 {
				first--
			}
			out.WriteString(strings.Join(old[passed:first], ""))
			passed = first
		case line[0] == '+':
			out.WriteString(line[1:])
		default:
			if old[passed] != line[1:] {
				t.Fatalf("the patch has %q where the text has %q", line, old[passed])
			}
			if passed++; line[0] == ' ' {
				out.WriteString(line[1:])
			}
		}
	}
	out.WriteString(strings.Join(old[passed:], ""))
	return out.String()
}
