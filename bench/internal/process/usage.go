package process

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CPU returns the processor time, user and system, that the process and its living descendants have used so far.
// It is the scheduler's own count, in nanoseconds: ticks of 10 ms would be too coarse for rounds of half a second.
func (p *Process) CPU() (time.Duration, error) {
	total := time.Duration(0)
	for _, pid := range p.tree() {
		var t unix.Timespec
		if err := unix.ClockGettime(cpuClock(pid), &t); err != nil {
			return 0, p.explain("tells no processor time: %w", err)
		}
		total += time.Duration(t.Nano())
	}
	return total, nil
}

// cpuClock returns the clock that counts the processor time of a process, as clock_getcpuclockid(3) does.
func cpuClock(pid int) int32 {
	const scheduler = 2 // the count of the scheduler; 0 and 1 are ticks
	return int32(^pid<<3 | scheduler)
}

// Memory is what a process and its descendants hold, in bytes.
type Memory struct {
	Resident int64
	// Peak is the most that was resident since the process began, or since ResetPeak. Of several processes it is the sum of
	// their peaks, which need not have come at once.
	Peak int64
}

// Memory returns what the process and its living descendants hold now.
func (p *Process) Memory() (Memory, error) {
	total := Memory{}
	for _, pid := range p.tree() {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			return Memory{}, p.explain("tells no memory: %w", err)
		}
		total.Resident += kilobytes(status, "VmRSS:")
		total.Peak += kilobytes(status, "VmHWM:")
	}
	return total, nil
}

// kilobytes returns the value in bytes of a line such as "VmRSS:	  123 kB", or 0 if there is none.
func kilobytes(status []byte, name string) int64 {
	for lines := bufio.NewScanner(bytes.NewReader(status)); lines.Scan(); {
		value, ok := strings.CutPrefix(lines.Text(), name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(value, "kB")), 10, 64)
		if err == nil {
			return n << 10
		}
	}
	return 0
}

// ResetPeak lets the peak of memory begin anew.
func (p *Process) ResetPeak() error {
	for _, pid := range p.tree() {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
			return p.explain("keeps its peak of memory: %w", err)
		}
	}
	return nil
}

// tree returns the ids of the process and of its living descendants.
func (p *Process) tree() []int {
	children := childrenOfAll()
	tree := []int{p.cmd.Process.Pid}
	for i := 0; i < len(tree); i++ {
		tree = append(tree, children[tree[i]]...)
	}
	return tree
}

// childrenOfAll returns the children of every process, by the id of the parent.
func childrenOfAll() map[int][]int {
	children := make(map[int][]int)
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return children
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if parent, ok := parentOf(pid); ok {
			children[parent] = append(children[parent], pid)
		}
	}
	return children
}

// parentOf returns the parent of a living process.
func parentOf(pid int) (int, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false // it has ended
	}
	// PID (NAME) STATE PARENT ...: a name may hold blanks and parentheses.
	_, rest, _ := strings.Cut(string(stat[max(bytes.LastIndexByte(stat, ')'), 0):]), " ")
	fields := strings.Fields(rest)
	if len(fields) < 2 || fields[0] == "Z" {
		return 0, false
	}
	parent, err := strconv.Atoi(fields[1])
	return parent, err == nil
}
