package admin

import (
	"maps"
	"slices"
	"time"

	"facet/internal/snapshot"
)

// readiness is the answer of /readyz.
type readiness struct {
	Status   string           `json:"status"` // ready, starting or draining
	Snapshot *snapshotSummary `json:"snapshot,omitempty"`
	Refused  *refusal         `json:"refused,omitempty"`
}

type snapshotSummary struct {
	Hash      string    `json:"hash"`
	Revision  string    `json:"revision,omitempty"`
	Activated time.Time `json:"activated"`
	Methods   int       `json:"methods"`
}

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
		}
	}
	if len(s.Problems) > 0 {
		view.Refused = &refusal{At: s.Refused}
		for _, p := range s.Problems {
			view.Refused.Problems = append(view.Refused.Problems, problemView{p.Document, p.Line, p.Column, p.Message})
		}
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
