package admin

import (
	"time"

	"facet/internal/canary"
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
	// Version is what Snapshot is archived as, "" while it is not.
	Version string
	// LastGood is when the documents of Snapshot were saved, if they come from disk because those of the source cannot
	// serve.
	LastGood time.Time

	// Accepted is when documents were last read and found good, be they new or not.
	Accepted time.Time
	// Unreadable says why the source cannot be read, "" if it can, and UnreadableSince since when.
	Unreadable      string
	UnreadableSince time.Time

	// Problems are those of the last change, empty if it was accepted.
	Problems problem.List
	// Refused is when a change was refused last; it is of interest only with Problems.
	Refused time.Time

	// Canary is the candidate that is being tried out, nil if there is none.
	Canary *Canary

	// Draining is set when the process is about to stop: it finishes what it has and wants nothing new.
	Draining bool
}

// Canary is how a candidate does beside the snapshot that serves.
type Canary struct {
	Hash            string
	Share           string // of the traffic: `5%`
	Since           time.Time
	Live, Candidate canary.Served // since then, by this process
}

// Ready tells whether the gateway should be sent requests.
func (s Status) Ready() bool { return s.Snapshot != nil && !s.Draining }
