package load

import (
	"syscall"
	"time"
)

// sleepUntil waits for a point in time. time.Sleep would be up to a millisecond late, which is as long as the replies that
// are timed take.
func sleepUntil(t time.Time) {
	for rest := time.Until(t); rest > 0; rest = time.Until(t) {
		duration := syscall.NsecToTimespec(rest.Nanoseconds())
		_ = syscall.Nanosleep(&duration, nil) // a signal ends it early
	}
}
