package gateway

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Every message that is sent begins the time of silence anew.
func TestMessagesKeepAStreamFromBeingIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const idle = time.Minute
		var ended atomic.Bool
		silent := time.AfterFunc(idle, func() { ended.Store(true) })
		client := &streamClient{call: &Call{Send: func([]byte) error { return nil }}, silent: silent, idle: idle}
		for range 3 {
			time.Sleep(idle - time.Second)
			if err := client.Send(); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if ended.Load() {
			t.Error("the stream ended between two messages")
		}
		time.Sleep(idle)
		synctest.Wait()
		if !ended.Load() {
			t.Error("the stream does not end")
		}
	})
}

func TestSpreadShortensByATenthAtMost(t *testing.T) {
	for range 1000 {
		if d := spread(time.Hour); d < 54*time.Minute || d > time.Hour {
			t.Fatalf("got %v", d)
		}
	}
}
