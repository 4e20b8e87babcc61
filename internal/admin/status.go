package admin

import (
	"time"

	"facet/internal/problem"
	"facet/internal/snapshot"
)

// State tells how the gateway does. It is asked by every request, from any goroutine.
type State interface {
	Status() Status
}

// Status is how the gateway does at one moment.
type Status struct {
	// Snapshot is the one that serves, nil before the first.
	Snapshot *snapshot.Snapshot
	// Revision is that of the source when Snapshot was built.
	Revision string
	// Activated is when Snapshot became current.
	Activated time.Time

	// Problems are those of the last change, empty if it was accepted.
	Problems problem.List
	// Refused is when a change was refused last; it is of interest only with Problems.
	Refused time.Time

	// Draining is set when the process is about to stop: it finishes what it has and wants nothing new.
	Draining bool
}

// Ready tells whether the gateway should be sent requests.
func (s Status) Ready() bool { return s.Snapshot != nil && !s.Draining }
