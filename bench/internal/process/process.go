// Package process runs the processes that are measured, and asks the operating system what they have used.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stopTimeout is how long a process may take to end before it is made to.
const stopTimeout = 5 * time.Second

// Process is a program at work, with all the processes it has started.
type Process struct {
	name   string
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *firstLine
	stderr *tail
	ended  chan struct{} // closed when the process has ended
	err    error         // why; to be read after ended
}

// Start runs a program in a directory and in a process group of its own.
func Start(directory, program string, arguments ...string) (*Process, error) {
	cmd := exec.Command(program, arguments...) //nolint:noctx // it is asked to end before it is made to, which a context would not do
	p := &Process{name: filepath.Base(program), cmd: cmd, stdout: newFirstLine(), stderr: &tail{}, ended: make(chan struct{})}
	cmd.Dir, cmd.Stdout, cmd.Stderr = directory, p.stdout, p.stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second // a child of it may hold the outputs open
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.stdin = stdin
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s does not start: %w", p.name, err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// Listening waits for the line that tells where the process listens, "listening ADDRESS", and returns the address.
func (p *Process) Listening(ctx context.Context) (string, error) {
	select {
	case <-ctx.Done():
		return "", p.explain("does not say where it listens: %w", ctx.Err())
	case <-p.ended:
		return "", p.Failure()
	case line := <-p.stdout.line:
		word, address, _ := strings.Cut(line, " ")
		if word != "listening" || address == "" {
			return "", p.explain("printed %q; want \"listening HOST:PORT\"", line)
		}
		return address, nil
	}
}

// Ended is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Failure waits for the end of the process and returns why it ended.
func (p *Process) Failure() error {
	<-p.ended
	err := p.err
	if err == nil {
		err = errors.New("exit status 0")
	}
	return p.explain("ended: %w", err)
}

// explain returns an error that ends with what the process has said last.
func (p *Process) explain(format string, arguments ...any) error {
	err := fmt.Errorf(p.name+" "+format, arguments...)
	if said := p.stderr.String(); said != "" {
		return fmt.Errorf("%w\n%s", err, said)
	}
	return err
}

// Stop asks the process and its children to end, and makes them after a while. It returns when they have.
func (p *Process) Stop() error {
	_ = p.stdin.Close() // it may have been closed by the end of the process
	group := -p.cmd.Process.Pid
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if err := syscall.Kill(group, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return p.explain("cannot be stopped: %w", err)
		}
		select {
		case <-p.ended:
			return nil
		case <-time.After(stopTimeout):
		}
	}
	return p.explain("does not end")
}
