// Package diff says what changed between two snapshots, as those see it who run the gateway and those who call it: methods,
// calls, fields and settings, and which of the changes break clients. What is only written otherwise is no change.
//
// A change breaks clients if some request that was answered before is refused, or answered with what a client of the old
// contract misreads: the rules of protobuf for those who speak gRPC, those of its JSON form for the others, and the field
// names of selections for both. That an expression computes another value, or a call may now fail the reply, is told
// and not judged.
package diff

import (
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"facet/internal/pbwire"
	"facet/internal/snapshot"
)

// Snapshots compares two snapshots; neither is changed.
func Snapshots(before, after *snapshot.Snapshot) *Report {
	d := &differ{before: before, after: after, settings: settings{expressions: new(expressions)}, changes: []Change{}}
	d.methods()
	d.contracts()
	d.upstreams()
	d.json()
	d.limits()
	d.cors()
	return &Report{Changes: d.changes}
}

// differ collects the changes between two snapshots.
type differ struct {
	before, after *snapshot.Snapshot
	settings      settings
	changes       []Change
}

func (d *differ) add(c Change) { d.changes = append(d.changes, c) }

// message adds the changes between two messages of the documents' schema. judge, if it is not nil, says why one breaks
// clients, "" if it does not.
func (d *differ) message(subject string, before, after proto.Message, judge func(setting) string) {
	for _, s := range d.settings.compare(before.ProtoReflect(), after.ProtoReflect()) {
		c := s.change(subject)
		if judge != nil {
			c.breaks(judge(s))
		}
		d.add(c)
	}
}

// breaks marks the change as breaking if there is a reason.
func (c *Change) breaks(why string) { c.Breaking, c.Why = why != "", why }

func (d *differ) upstreams() {
	before, after := d.before.Upstreams, d.after.Upstreams
	for _, name := range union(before, after) {
		subject := "upstream " + name
		was, is := before[name], after[name]
		switch {
		case was == nil:
			d.add(Change{Kind: Added, Subject: subject, New: text(is.ProtoReflect())})
		case is == nil:
			d.add(Change{Kind: Removed, Subject: subject, Old: text(was.ProtoReflect())})
		default:
			d.message(subject, was, is, nil)
		}
	}
}

func (d *differ) json() {
	if before, after := d.before.JSON.Unset, d.after.JSON.Unset; before != after {
		d.add(Change{
			Kind: Changed, Subject: "json", Path: "unset", Old: unsetText[before], New: unsetText[after],
			Breaking: true, Why: "fields that are not set look otherwise in every JSON reply",
		})
	}
}

// unsetText are the styles as documents write them.
var unsetText = map[pbwire.Unset]string{
	pbwire.UnsetDefaults: "defaults",
	pbwire.UnsetKratos:   "kratos",
	pbwire.UnsetOmit:     "omit",
}

func (d *differ) limits() {
	before, after := d.before.Limits, d.after.Limits
	d.message("limits", before, after, func(s setting) string {
		if s.field.Name() == "selection_cache" || s.field.Message() != nil { // they refuse nobody; streams are opened again
			return ""
		}
		if after.ProtoReflect().Get(s.field).Int() < before.ProtoReflect().Get(s.field).Int() {
			return "requests between the two limits are refused"
		}
		return ""
	})
}

func (d *differ) cors() {
	d.message("cors", d.before.CORS, d.after.CORS, func(s setting) string {
		switch {
		case s.field.Name() == "origins" && s.kind == Removed && !slices.Contains(d.after.CORS.GetOrigins(), snapshot.AnyOrigin):
			return "pages of an origin that is gone are refused"
		case s.field.Name() == "credentials" && !d.after.CORS.GetCredentials():
			return "browsers no longer send cookies along"
		}
		return ""
	})
}

// union returns the names of two maps, sorted.
func union[T any](a, b map[string]T) []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.Sort(names)
	return slices.Compact(names)
}
