package admin

import (
	"maps"
	"slices"
	"time"

	"facet/internal/canary"
	"facet/internal/snapshot"
)

// readiness is the answer of /readyz.
type readiness struct {
	Status     string           `json:"status"` // ready, starting or draining
	Snapshot   *snapshotSummary `json:"snapshot,omitempty"`
	Refused    *refusal         `json:"refused,omitempty"`
	Unreadable *failure         `json:"unreadable,omitempty"`
	Canary     *canaryView      `json:"canary,omitempty"`
}

type snapshotSummary struct {
	Hash      string    `json:"hash"`
	Revision  string    `json:"revision,omitempty"`
	Activated time.Time `json:"activated"`
	Methods   int       `json:"methods"`
	// Version is what the snapshot is archived as.
	Version string `json:"version,omitempty"`
	// LastGood is when the documents were saved, if they are those on disk.
	LastGood time.Time `json:"last_good,omitzero"`
}

// failure is that of reading the source.
type failure struct {
	Since   time.Time `json:"since"`
	Message string    `json:"message"`
}

// canaryView is the trial of a candidate, as this process sees it.
type canaryView struct {
	Hash      string    `json:"hash"`
	Share     string    `json:"share"` // `5%`
	Since     time.Time `json:"since"`
	Live      served    `json:"live"`
	Candidate served    `json:"candidate"`
}

type served struct {
	Requests uint64 `json:"requests"`
	Failed   uint64 `json:"failed"`
}

func servedOf(s canary.Served) served { return served{Requests: s.Requests(), Failed: s.Failed} }

// refusal is the last change, if it was refused.
type refusal struct {
	At       time.Time     `json:"at"`
	Problems []problemView `json:"problems"`
}

type problemView struct {
	Document string `json:"document,omitempty"`
	Line     int    `json:"line,omitempty"`
	Column   int    `json:"column,omitempty"`
	Message  string `json:"message"`
}

// readinessOf returns the answer of /readyz.
func readinessOf(s Status) readiness {
	view := readiness{Status: "ready"}
	switch {
	case s.Draining:
		view.Status = "draining"
	case s.Snapshot == nil:
		view.Status = "starting"
	}
	if s.Snapshot != nil {
		view.Snapshot = &snapshotSummary{
			Hash: s.Snapshot.Hash, Revision: s.Revision, Activated: s.Activated, Methods: len(s.Snapshot.Methods),
			Version: s.Version, LastGood: s.LastGood,
		}
	}
	if len(s.Problems) > 0 {
		view.Refused = &refusal{At: s.Refused}
		for _, p := range s.Problems {
			view.Refused.Problems = append(view.Refused.Problems, problemView{p.Document, p.Line, p.Column, p.Message})
		}
	}
	if s.Unreadable != "" {
		view.Unreadable = &failure{Since: s.UnreadableSince, Message: s.Unreadable}
	}
	if c := s.Canary; c != nil {
		view.Canary = &canaryView{c.Hash, c.Share, c.Since, servedOf(c.Live), servedOf(c.Candidate)}
	}
	return view
}

// snapshotView is the answer of /snapshot.
type snapshotView struct {
	Hash    string       `json:"hash"`
	Methods []methodView `json:"methods"`
}

type methodView struct {
	Name     string   `json:"name"`
	Bindings []string `json:"bindings"` // `GET /v1/users/{user_id}/home`
	Calls    []string `json:"calls"`    // the downstream methods; none if the method is passed through
}

// snapshotOf returns the answer of /snapshot.
func snapshotOf(s *snapshot.Snapshot) snapshotView {
	view := snapshotView{Hash: s.Hash, Methods: []methodView{}}
	for _, name := range slices.Sorted(maps.Keys(s.Methods)) {
		method := s.Methods[name]
		m := methodView{Name: name, Bindings: []string{}, Calls: []string{}}
		for _, binding := range method.Bindings {
			m.Bindings = append(m.Bindings, binding.HTTPMethod()+" "+binding.Template())
		}
		for _, call := range method.Config.GetCalls() {
			m.Calls = append(m.Calls, call.GetRpc())
		}
		slices.Sort(m.Calls)
		m.Calls = slices.Compact(m.Calls)
		view.Methods = append(view.Methods, m)
	}
	return view
}
