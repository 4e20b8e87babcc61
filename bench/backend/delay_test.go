package main

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const latency, jitter = 5 * time.Millisecond, 3 * time.Millisecond
		wait := newDelay(latency, jitter)
		seen := map[time.Duration]bool{}
		for range 100 {
			start := time.Now()
			wait(t.Context())
			took := time.Since(start)
			if took < latency || took > latency+jitter {
				t.Errorf("took %v, want %v to %v", took, latency, latency+jitter)
			}
			seen[took] = true
		}
		if len(seen) < 50 {
			t.Errorf("100 delays have only %d values", len(seen))
		}
	})
}

func TestDelayOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		newDelay(0, 0)(t.Context())
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		newDelay(time.Hour, 0)(gone)
		if took := time.Since(start); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}
