package plan

import (
	"sync"
	"testing"
)

// BenchmarkNewStack starts two goroutines that go as deep as gRPC does, with room made first and without.
func BenchmarkNewStack(b *testing.B) {
	for _, way := range []struct {
		name    string
		prepare func()
	}{{"as it comes", func() {}}, {"grown first", growStack}} {
		b.Run(way.name, func(b *testing.B) {
			for b.Loop() {
				var running sync.WaitGroup
				for range 2 {
					running.Go(func() {
						way.prepare()
						depth := 0
						descend(30, &depth)
					})
				}
				running.Wait()
			}
		})
	}
}

// descend goes down n frames of 200 bytes, each with a pointer into the one above.
//
//go:noinline
func descend(n int, above *int) int {
	var frame [160]byte
	frame[n] = byte(*above)
	if n == 0 {
		return int(frame[0])
	}
	depth := n
	return descend(n-1, &depth) + int(frame[n-1])
}
