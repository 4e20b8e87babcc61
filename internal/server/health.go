package server

import (
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"facet/internal/snapshot"
)

// health is grpc.health.v1.Health over the live snapshot: a service serves while one of its methods is served, and
// "", the gateway as a whole, while there is a snapshot. Nothing serves any more once the gateway drains.
type health struct {
	snapshots   *snapshot.Holder
	draining    <-chan struct{}
	readTimeout time.Duration
}

// status returns how a service is. One that is not known is SERVICE_UNKNOWN.
func (h *health) status(service string) healthpb.HealthCheckResponse_ServingStatus {
	snap := h.snapshots.Pin()
	if snap != nil {
		defer snap.Unpin()
	}
	switch {
	case snap != nil && service != "" && !serves(snap, service):
		return healthpb.HealthCheckResponse_SERVICE_UNKNOWN
	case snap == nil || h.drains():
		return healthpb.HealthCheckResponse_NOT_SERVING
	}
	return healthpb.HealthCheckResponse_SERVING
}

func (h *health) drains() bool {
	select {
	case <-h.draining:
		return true
	default:
		return false
	}
}

// serves tells whether a snapshot serves a method of a service.
func serves(snap *snapshot.Snapshot, service string) bool {
	for name := range snap.Methods {
		if of, _, _ := strings.Cut(name, "/"); of == service {
			return true
		}
	}
	return false
}

// check answers once.
func (h *health) check(stream grpc.ServerStream) error {
	request := new(healthpb.HealthCheckRequest)
	if err := receiveMessage(stream, request, h.readTimeout); err != nil {
		return err
	}
	now := h.status(request.GetService())
	if now == healthpb.HealthCheckResponse_SERVICE_UNKNOWN {
		return status.Errorf(codes.NotFound, "service %q is not served", request.GetService())
	}
	return stream.SendMsg(&healthpb.HealthCheckResponse{Status: now})
}

// watch answers whenever the answer is another one, and ends when the gateway drains: a client that is still
// there would hold the drain up.
func (h *health) watch(stream grpc.ServerStream) error {
	request := new(healthpb.HealthCheckRequest)
	if err := receiveMessage(stream, request, h.readTimeout); err != nil {
		return err
	}
	last := healthpb.HealthCheckResponse_UNKNOWN
	for {
		changed := h.snapshots.Changed()
		draining := h.drains()
		if now := h.status(request.GetService()); now != last {
			if err := stream.SendMsg(&healthpb.HealthCheckResponse{Status: now}); err != nil {
				return err
			}
			last = now
		}
		if draining {
			return status.Error(codes.Unavailable, "the gateway is about to stop")
		}
		select {
		case <-changed:
		case <-h.draining:
		case <-stream.Context().Done():
			return status.FromContextError(stream.Context().Err()).Err()
		}
	}
}
