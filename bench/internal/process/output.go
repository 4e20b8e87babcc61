package process

import (
	"bytes"
	"strings"
	"sync"
)

// firstLine delivers the first line that is written to it, and takes the rest without a word, so that a
// talkative process is not blocked.
type firstLine struct {
	line    chan string
	text    []byte
	started bool // whether the line has been delivered
}

func newFirstLine() *firstLine {
	return &firstLine{line: make(chan string, 1)}
}

func (f *firstLine) Write(data []byte) (int, error) {
	if f.started {
		return len(data), nil
	}
	f.text = append(f.text, data...)
	if line, _, ok := bytes.Cut(f.text, []byte("\n")); ok {
		f.line <- string(line)
		f.text, f.started = nil, true
	}
	return len(data), nil
}

// tailBytes is how much is kept of what a process says on standard error.
const tailBytes = 2 << 10

// tail keeps the end of what is written to it. It is safe for concurrent use.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, data...)
	if extra := len(t.text) - tailBytes; extra > 0 {
		t.text = append(t.text[:0], t.text[extra:]...)
	}
	return len(data), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
