package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	benchv1 "facet/bench/api/bench/v1"
)

// pace is the time between two events of a room.
const pace = 100 * time.Millisecond

// quietRoom is the room in which nothing happens after the first event.
const quietRoom = "quiet"

// room is a room on air, whoever watches it. Its events are encoded once, and form a list that each stream walks at its own
// speed, so that the services themselves lose none.
type room struct {
	latest atomic.Pointer[event]
}

// event is an encoded event, and, once there is one, that which follows.
type event struct {
	wire []byte
	// followed is closed when next can be read.
	followed chan struct{}
	next     *event
}

// newRoom returns a room with its first event.
func newRoom() (*room, error) {
	first, err := newEvent(1)
	r := &room{}
	r.latest.Store(first)
	return r, err
}

func newEvent(sequence int32) (*event, error) {
	wire, err := encode(makeEvent(sequence))
	return &event{wire: wire, followed: make(chan struct{})}, err
}

// run lets something happen at the pace of the room, until the context ends.
func (r *room) run(ctx context.Context) error {
	clock := time.NewTicker(pace)
	defer clock.Stop()
	for sequence := int32(2); ; sequence++ {
		select {
		case <-ctx.Done():
			return nil
		case <-clock.C:
		}
		next, err := newEvent(sequence)
		if err != nil {
			return err
		}
		last := r.latest.Swap(next)
		last.next = next
		close(last.followed)
	}
}

// watch sends the latest event, and then each one that follows, until the context ends or sending fails.
func (r *room) watch(ctx context.Context, send func(wire []byte) error) error {
	for at := r.latest.Load(); ; at = at.next {
		if err := send(at.wire); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-at.followed:
		}
	}
}

// streams are what a server answers with streams, by full name: service/method. Each takes the wire bytes of a request, and
// how to send those of a reply.
type streams map[string]func(ctx context.Context, request []byte, send func([]byte) error) error

// rooms returns the stream of the method WatchRoom, over a room on air and one in which nothing happens.
func rooms(onAir, quiet *room) streams {
	return streams{"bench.v1.Bench/WatchRoom": func(ctx context.Context, request []byte, send func([]byte) error) error {
		var m benchv1.WatchRoomRequest
		if err := proto.Unmarshal(request, &m); err != nil {
			return fmt.Errorf("the request: %w", err)
		}
		if m.RoomId == quietRoom {
			return quiet.watch(ctx, send)
		}
		return onAir.watch(ctx, send)
	}}
}

// describe adds the streams to the descriptors of services.
func (all streams) describe(services map[string]*grpc.ServiceDesc) {
	for name, answer := range all {
		descriptor, method := descriptorOf(services, name)
		descriptor.Streams = append(descriptor.Streams, grpc.StreamDesc{
			StreamName: method, ServerStreams: true,
			Handler: func(_ any, stream grpc.ServerStream) error {
				var request []byte
				if err := stream.RecvMsg(&request); err != nil {
					return err
				}
				return answer(stream.Context(), request, func(wire []byte) error { return stream.SendMsg(wire) })
			},
		})
	}
}
