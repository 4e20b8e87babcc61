package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write what the commands print into docs/changes.md")

// block is commands of the page, and what the page says they print.
var block = regexp.MustCompile("(?s)```sh\n(.*?)```\n(?:\n```text\n(.*?)```\n)?")

// pageDay is the day on which the page was written.
const pageDay = "20261122"

// TestChangesPage does what docs/changes.md says, from top to bottom, and compares what is printed.
func TestChangesPage(t *testing.T) {
	const page = "../../docs/changes.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	s := newShop(t)
	t.Setenv("FACET_AUTHOR", "lin@laptop")
	for _, dir := range []string{"api", "configs"} {
		if err := os.CopyFS(filepath.Join(s.dir, dir), os.DirFS(filepath.Join("..", "..", dir))); err != nil {
			t.Fatal(err)
		}
	}
	absolute, err := filepath.Abs(page)
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(s.dir)
	commands := 0
	played := block.ReplaceAllStringFunc(string(text), func(found string) string {
		match := block.FindStringSubmatch(found)
		out := &strings.Builder{}
		for line := range strings.Lines(match[1]) {
			commands++
			out.WriteString(s.follow(strings.TrimSpace(line)))
		}
		shows := match[2] != "" || strings.Contains(found, "```text")
		if shows && !*rewrite && constant(out.String()) != constant(match[2]) {
			t.Errorf("%s\nprints\n%s\nthe page shows\n%s", match[1], out, match[2])
		}
		if !shows {
			return found
		}
		return "```sh\n" + match[1] + "```\n\n```text\n" + ofPageDay(out.String()) + "```\n"
	})
	if commands < 15 {
		t.Errorf("only %d commands of the page were understood", commands)
	}
	if *rewrite {
		if err := os.WriteFile(absolute, []byte(played), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// follow runs a line of the page, and returns what it prints.
func (s *shop) follow(line string) string {
	s.t.Helper()
	args, isFacet := strings.CutPrefix(line, "facet ")
	if !isFacet {
		out, err := exec.CommandContext(s.t.Context(), "sh", "-c", line).CombinedOutput()
		if err != nil {
			s.t.Fatalf("%s: %v: %s", line, err, out)
		}
		return string(out)
	}
	_, stdout, stderr := s.run(words(strings.ReplaceAll(args, pageDay, time.Now().UTC().Format("20060102")))...)
	return stdout + stderr
}

var word = regexp.MustCompile(`'[^']*'|\S+`)

// words splits a command line as a shell does, of which the page uses single quotes.
func words(line string) []string {
	words := word.FindAllString(line, -1)
	for i := range words {
		words[i] = strings.Trim(words[i], "'")
	}
	return words
}

var (
	aVersion = regexp.MustCompile(`\bv\d{8}-`)
	aHash    = regexp.MustCompile(`\b[0-9a-f]{12}\b`)
	aTime    = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
)

// ofPageDay replaces names of versions and times by those of the page, which are as long.
func ofPageDay(text string) string {
	return aTime.ReplaceAllString(aVersion.ReplaceAllString(text, "v"+pageDay+"-"), "2026-11-22T09:30:00Z")
}

// constant replaces hashes, too, so that a change of the sample does not fail the page.
func constant(text string) string { return aHash.ReplaceAllString(ofPageDay(text), "0123456789ab") }
