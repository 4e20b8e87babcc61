package main

import (
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var rewriteGRPC = flag.Bool("rewrite-grpc", false, "write what the commands print into docs/grpc.md")

var printed = regexp.MustCompile("(?s)```sh\n([^\n]*)\n```\n\n```text\n(.*?)```\n")

// TestGRPCPage runs the commands of docs/grpc.md, and compares what they print.
func TestGRPCPage(t *testing.T) {
	const path = "../../docs/grpc.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, tool := range []string{"bash", "grpcurl", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	m := startMall(t)
	addresses := strings.NewReplacer("localhost:8000", m.http, "localhost:9000", m.grpc)
	commands := 0
	played := printed.ReplaceAllStringFunc(string(page), func(block string) string {
		match := printed.FindStringSubmatch(block)
		commands++
		output, _ := exec.CommandContext(t.Context(), "bash", "-c", addresses.Replace(match[1])).CombinedOutput() // some fail, as the page says
		if got := string(output); got != match[2] && !*rewriteGRPC {
			t.Errorf("%s\nprints\n%s\nthe page shows\n%s", match[1], got, match[2])
		}
		return "```sh\n" + match[1] + "\n```\n\n```text\n" + string(output) + "```\n"
	})
	if n := strings.Count(string(page), "```sh\n"); commands != n {
		t.Errorf("%d of %d commands of the page were understood", commands, n)
	}
	if *rewriteGRPC {
		if err := os.WriteFile(path, []byte(played), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
