package etcdtest

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"facet/internal/conf"
)

// Process is an etcd in a process of its own, which can be treated badly.
type Process struct {
	Addr string // where it listens for clients: host:port
	Dir  string // where its data is

	binary  string
	running *exec.Cmd // nil while it is not
	output  bytes.Buffer
}

// StartProcess runs the etcd that is on the PATH until the test ends. Without one the test is skipped, except where CI is
// set: there nothing is to be left out.
func StartProcess(t testing.TB) *Process {
	t.Helper()
	binary, err := exec.LookPath("etcd")
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal("there is no etcd on the PATH")
	case err != nil:
		t.Skip("there is no etcd on the PATH")
	}
	p := &Process{Addr: freeAddr(t), Dir: t.TempDir(), binary: binary}
	p.Start(t)
	t.Cleanup(func() {
		p.Kill(t)
		if t.Failed() {
			t.Logf("etcd said:\n%s", p.output.String())
		}
	})
	return p
}

// freeAddr returns an address that nobody listens on, and that stays the same when the process is started again.
func freeAddr(t testing.TB) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close() //nolint:errcheck // it has served
	return listener.Addr().String()
}

// Start runs it on the data that are there, and returns when it serves.
func (p *Process) Start(t testing.TB) {
	t.Helper()
	const nobody = "http://127.0.0.1:0" // it has no peers
	p.running = exec.CommandContext(context.WithoutCancel(t.Context()), p.binary, "--data-dir", p.Dir,
		"--listen-client-urls", "http://"+p.Addr, "--advertise-client-urls", "http://"+p.Addr,
		"--listen-peer-urls", nobody, "--initial-advertise-peer-urls", nobody, "--initial-cluster", "default="+nobody,
		"--heartbeat-interval", "10", "--election-timeout", "100")
	p.running.Stdout, p.running.Stderr = &p.output, &p.output
	if err := p.running.Start(); err != nil {
		t.Fatal(err)
	}
	client := Connect(t, &conf.Etcd{Endpoints: []string{p.Addr}})
	for deadline := time.Now().Add(startTimeout); ; {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := client.Get(ctx, "ready?")
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("etcd does not serve: %v", err)
		}
	}
}

// Kill ends it at once, as kill -9 does.
func (p *Process) Kill(t testing.TB) {
	t.Helper()
	if p.running == nil {
		return
	}
	if err := p.running.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = p.running.Wait() // it was killed
	p.running = nil
}

// Pause stops it without anybody being told, until Resume.
func (p *Process) Pause(t testing.TB) { p.signal(t, syscall.SIGSTOP) }

// Resume ends a Pause.
func (p *Process) Resume(t testing.TB) { p.signal(t, syscall.SIGCONT) }

func (p *Process) signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := p.running.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// Wipe deletes its data; it must not be running.
func (p *Process) Wipe(t testing.TB) {
	t.Helper()
	if err := os.RemoveAll(p.Dir); err != nil {
		t.Fatal(err)
	}
}

// Backup copies its data; it must not be running.
func (p *Process) Backup(t testing.TB) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(p.Dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Restore puts a backup in place of its data; it must not be running.
func (p *Process) Restore(t testing.TB, backup string) {
	t.Helper()
	p.Wipe(t)
	if err := os.CopyFS(p.Dir, os.DirFS(backup)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(p.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
}
