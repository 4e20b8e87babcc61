package etcdtest

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"facet/internal/conf"
)

// Process is a member of etcd in a process of its own, which can be treated badly.
type Process struct {
	Addr string // where it listens for clients: host:port
	Dir  string // where its data is

	binary  string
	name    string
	peer    string // URL where it listens for other members
	cluster string // all members, as name=peer
	running *exec.Cmd
	output  bytes.Buffer
}

// StartProcess runs the etcd that is on the PATH until the test ends. Without one the test is skipped, except where CI is
// set: there nothing is to be left out.
func StartProcess(t testing.TB) *Process {
	t.Helper()
	return StartCluster(t, 1)[0]
}

// StartCluster runs as many members of one etcd, as StartProcess does.
func StartCluster(t testing.TB, size int) []*Process {
	t.Helper()
	binary, err := exec.LookPath("etcd")
	switch {
	case err != nil && os.Getenv("CI") == "true":
		t.Fatal("there is no etcd on the PATH")
	case err != nil:
		t.Skip("there is no etcd on the PATH")
	}
	members := make([]*Process, size)
	names := make([]string, size)
	for i := range members {
		members[i] = &Process{Addr: freeAddr(t), Dir: t.TempDir(), binary: binary, name: strconv.Itoa(i), peer: "http://" + freeAddr(t)}
		names[i] = members[i].name + "=" + members[i].peer
	}
	for _, member := range members {
		member.cluster = strings.Join(names, ",")
		member.run(t)
		t.Cleanup(func() {
			member.Kill(t)
			if t.Failed() {
				said := member.output.String()
				t.Logf("etcd said at last:\n%s", said[max(0, len(said)-4000):])
			}
		})
	}
	for _, member := range members {
		member.awaitReady(t)
	}
	return members
}

// handedOut are the addresses that freeAddr has returned.
var handedOut sync.Map

// freeAddr returns an address that nobody listens on, and that stays the same when the process is started again.
func freeAddr(t testing.TB) string {
	t.Helper()
	for {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addr := listener.Addr().String()
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
		if _, taken := handedOut.LoadOrStore(addr, nil); !taken {
			return addr
		}
	}
}

// Start runs it on the data that are there, and returns when it serves.
func (p *Process) Start(t testing.TB) {
	t.Helper()
	p.run(t)
	p.awaitReady(t)
}

func (p *Process) run(t testing.TB) {
	t.Helper()
	client := "http://" + p.Addr
	heartbeat := 10
	if strings.Contains(p.cluster, ",") {
		heartbeat = 50 // leaders of tests that share a machine are late
	}
	p.running = exec.CommandContext(context.WithoutCancel(t.Context()), p.binary, "--name", p.name, "--data-dir", p.Dir,
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", p.peer, "--initial-advertise-peer-urls", p.peer, "--initial-cluster", p.cluster,
		"--heartbeat-interval", strconv.Itoa(heartbeat), "--election-timeout", strconv.Itoa(10*heartbeat))
	p.running.Stdout, p.running.Stderr = &p.output, &p.output
	if err := p.running.Start(); err != nil {
		t.Fatal(err)
	}
}

func (p *Process) awaitReady(t testing.TB) {
	t.Helper()
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
