package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// delay is how long a reply takes. It returns early if nobody waits any more.
type delay func(context.Context)

// newDelay returns a delay of at least latency, and of jitter more at most. The same delays come at each start.
func newDelay(latency, jitter time.Duration) delay {
	if latency == 0 && jitter == 0 {
		return func(context.Context) {}
	}
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 1))
	return func(ctx context.Context) {
		mu.Lock()
		wait := latency + time.Duration(random.Int64N(int64(jitter)+1))
		mu.Unlock()
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}
