package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	benchv1 "facet/bench/api/bench/v1"
)

// Those who watch get every event from the latest on, however slowly they take them.
func TestRoomLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		r, err := newRoom()
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan error)
		go func() { ran <- r.run(ctx) }()
		const events = 20
		for name, wait := range map[string]time.Duration{"fast": 0, "as fast": pace, "slow": 7 * pace} {
			var got []*benchv1.RoomEvent
			err := r.watch(ctx, func(wire []byte) error {
				time.Sleep(wait) // of the bubble's clock
				m := new(benchv1.RoomEvent)
				if got = append(got, m); len(got) == events {
					return errors.Join(context.Canceled, proto.Unmarshal(wire, m))
				}
				return proto.Unmarshal(wire, m)
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
			for i, m := range got {
				if want := got[0].Sequence + int32(i); m.Sequence != want {
					t.Errorf("%s: event %d where %d is next", name, m.Sequence, want)
				}
			}
		}
		stop()
		if err := <-ran; err != nil {
			t.Error(err)
		}
	})
}

func TestQuietRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quiet, err := newRoom()
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Hour)
		defer stop()
		request, err := proto.Marshal(&benchv1.WatchRoomRequest{RoomId: quietRoom})
		if err != nil {
			t.Fatal(err)
		}
		sent := 0
		err = rooms(nil, quiet)["bench.v1.Bench/WatchRoom"](ctx, request, func([]byte) error {
			sent++
			return nil
		})
		if sent != 1 || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d events and %v, want one, until the context ends", sent, err)
		}
	})
}

func TestSizeOfEvents(t *testing.T) {
	for _, sequence := range []int32{1, 100, 100_000} {
		e, err := newEvent(sequence)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(e.wire); n < 170 || n > 230 {
			t.Errorf("event %d is %d bytes, want about 200", sequence, n)
		}
	}
}
