package server

import (
	"strings"
	"testing"

	"facet/internal/snapshot"
)

// What a message of gRPC grows to is bounded by the limit of messages, not by what grpc-go would take.
func TestInflater(t *testing.T) {
	t.Parallel()
	i := inflater{new(snapshot.Holder)}
	bomb := strings.NewReader(compressed(t, strings.Repeat("x", 32<<20)))
	if got, err := i.Do(bomb); err != nil || !isOverLimit(got) || bomb.Len() < 20_000 {
		t.Errorf("got %d bytes, %v, and read all but %d", len(got), err, bomb.Len())
	}
	for _, want := range []string{"", "\xff", strings.Repeat("x", largestHead)} {
		if got, err := i.Do(strings.NewReader(compressed(t, want))); err != nil || string(got) != want || isOverLimit(got) {
			t.Errorf("%d bytes: got %d, %v", len(want), len(got), err)
		}
	}
	for _, broken := range []string{"", "x", compressed(t, "abc")[:15]} {
		if _, err := i.Do(strings.NewReader(broken)); err == nil {
			t.Errorf("%q: want an error", broken)
		}
	}
}
