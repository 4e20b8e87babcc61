//go:build !race

package httprule

import "testing"

// Under the race detector sync.Pool drops what it is given at random, so there allocations cannot be counted.
func TestAppendRequestDoesNotAllocate(t *testing.T) {
	for _, u := range usuals {
		run := u.run(t)
		run() // fills the parser's pool
		if n := testing.AllocsPerRun(100, run); n >= 1 {
			t.Errorf("%s: %v allocations", u.name, n)
		}
	}
}
