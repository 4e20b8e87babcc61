package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// facet runs a command line in the project's root, as a user does.
func facet(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Chdir(filepath.Join("..", ".."))
	var out, errs strings.Builder
	code = run(context.Background(), args, &out, &errs)
	return code, out.String(), errs.String()
}

func TestCheckAcceptsTheSampleMall(t *testing.T) {
	code, stdout, stderr := facet(t, "check")
	if code != 0 || !strings.HasPrefix(stdout, "ok: 8 methods, snapshot ") {
		t.Errorf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

// writeBroken writes documents with two mistakes.
func writeBroken(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	text := "upstreams:\n  user: {targt: \"static:///127.0.0.1:1\"}\nmethods:\n  a.B/C: {timeot: 1s}\n"
	if err := os.WriteFile(filepath.Join(dir, "broken.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestCheckPrintsEveryProblem(t *testing.T) {
	dir := writeBroken(t)
	code, stdout, stderr := facet(t, "check", dir)
	if code != exitFailed || stderr != "" {
		t.Errorf("exit %d, stderr %q", code, stderr)
	}
	for _, want := range []string{
		filepath.Join(dir, "broken.yaml") + ":2:10: ", `did you mean "target"?`,
		filepath.Join(dir, "broken.yaml") + ":4:11: ", `did you mean "timeout"?`,
	} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout is %s\nwant it to hold %s", stdout, want)
		}
	}
}

func TestCheckJSON(t *testing.T) {
	code, stdout, _ := facet(t, "check", "--json", writeBroken(t))
	var result checkResult
	if err := json.Unmarshal([]byte(stdout), &result); err != nil {
		t.Fatal(err)
	}
	if code != exitFailed || result.OK || len(result.Problems) < 2 || result.Problems[0].Line != 2 {
		t.Errorf("exit %d, result %+v", code, result)
	}
}

func TestExplain(t *testing.T) {
	code, stdout, stderr := facet(t, "explain", "mall.v1.MallService/GetHome", "-select", "user.name")
	if code != 0 {
		t.Fatalf("exit %d, stderr %q", code, stderr)
	}
	for _, want := range []string{"user.v1.UserService/GetUser", "name (x-select)", "pruned: "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("stdout is %s\nwant it to hold %q", stdout, want)
		}
	}
}

func TestMistakesInTheCommandLine(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"explain"}, exitUsage, "explain takes one method"},
		{[]string{"serv"}, exitUsage, `unknown command "serv"; did you mean "serve"?`},
		{[]string{"serve", "configs"}, exitUsage, `serve takes no arguments; got "configs"`},
		{[]string{"check", "--jsn"}, exitUsage, "unknown flag: --jsn"},
		{[]string{"check", "no/such/directory"}, exitFailed, "no/such/directory"},
		{[]string{"check", "-conf", "no/such/file.yaml"}, exitFailed, "no/such/file.yaml"},
		{[]string{"explain", "mall.v1.MallService/GetHme"}, exitFailed, `did you mean "mall.v1.MallService/GetHome"?`},
		{[]string{"explain", "mall.v1.MallService/GetHome", "--select", "usr"}, exitFailed, `did you mean "user"?`},
	} {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			code, stdout, stderr := facet(t, test.args...)
			if code != test.code || !strings.Contains(stderr, test.want) {
				t.Errorf("exit %d, stdout %q, stderr %q; want exit %d and %q", code, stdout, stderr, test.code, test.want)
			}
		})
	}
}

func TestLongFlagsWithOneDash(t *testing.T) {
	got := longFlags([]string{"serve", "-conf", "x", "--select=y", "-h", "--", "-conf"})
	want := "serve --conf x --select=y -h -- -conf"
	if strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
}
