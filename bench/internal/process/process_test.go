package process_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"facet/bench/internal/process"
)

// shell runs a script, which ends with the test.
func shell(t *testing.T, script string) *process.Process {
	t.Helper()
	p, err := process.Start(t.TempDir(), "/bin/sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestListening(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		script  string
		address string
		err     string // part of it
	}{
		"one address":     {"echo listening 127.0.0.1:80; echo more; cat", "127.0.0.1:80", ""},
		"several":         {"echo listening a=1 b=2; cat", "a=1 b=2", ""},
		"in two writes":   {"printf 'listening '; printf '127.0.0.1:80\\n'; cat", "127.0.0.1:80", ""},
		"something else":  {"echo hello; cat", "", `want "listening HOST:PORT"`},
		"it ended":        {"echo no such file >&2; exit 3", "", "ended: exit status 3\nno such file"},
		"it ended silent": {"exit 0", "", "ended: exit status 0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, err := shell(t, test.script).Listening(t.Context())
			if address != test.address {
				t.Errorf("address %q, want %q", address, test.address)
			}
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("error %v, want %q", err, test.err)
			}
		})
	}
}

func TestListeningInVain(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := shell(t, "cat").Listening(ctx); err == nil {
		t.Error("no error for a process that says nothing")
	}
}

func TestStopEndsWhoDoesNotHeedItsInput(t *testing.T) {
	t.Parallel()
	p := shell(t, "while :; do sleep 60; done")
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	<-p.Ended()
}

func TestUsageCountsChildren(t *testing.T) {
	t.Parallel()
	// The child, not the shell itself, works for a while; then it stays.
	p := shell(t, `exec 3<&0; sh -c 'i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; echo listening done; cat' <&3 & wait`)
	if _, err := p.Listening(t.Context()); err != nil {
		t.Fatal(err)
	}
	cpu, err := p.CPU()
	if err != nil {
		t.Fatal(err)
	}
	if cpu < 10*time.Millisecond {
		t.Errorf("processor time %v, want that of the child too", cpu)
	}
	if err := p.ResetPeak(); err != nil {
		t.Fatal(err)
	}
	memory, err := p.Memory()
	if err != nil {
		t.Fatal(err)
	}
	if memory.Resident <= 0 || memory.Peak < memory.Resident {
		t.Errorf("memory %+v, want some, and a peak that is not lower", memory)
	}
}
