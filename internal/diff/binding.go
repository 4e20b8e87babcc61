package diff

import (
	"slices"
	"strings"

	"facet/internal/httprule"
	"facet/internal/snapshot"
)

// bindings compares the HTTP bindings of a method. One of the same HTTP method and shape is the same one: clients cannot
// tell what its variables are called.
func (d *differ) bindings(subject string, before, after *snapshot.Method) {
	for _, was := range before.Bindings {
		is := sameBinding(after.Bindings, was)
		if is == nil {
			d.removedBinding(subject, after, was)
			continue
		}
		var why []string
		if !was.ReadsAs(is) {
			why = append(why, "a request now sets other fields")
		}
		if !was.AnswersAs(is) {
			why = append(why, "the reply is another part of the message")
		}
		if len(why) > 0 {
			d.add(Change{
				Kind: Changed, Subject: subject, Path: "http", Old: was.Rule(), New: is.Rule(),
				Breaking: true, Why: strings.Join(why, "; "),
			})
		}
	}
	for _, is := range after.Bindings {
		if sameBinding(before.Bindings, is) == nil {
			c := Change{Kind: Added, Subject: subject, Path: "http", New: is.Rule()}
			c.breaks(d.takes(after, is))
			d.add(c)
		}
	}
}

func sameBinding(bindings []*httprule.Binding, as *httprule.Binding) *httprule.Binding {
	i := slices.IndexFunc(bindings, func(b *httprule.Binding) bool {
		return b.HTTPMethod() == as.HTTPMethod() && b.Shape() == as.Shape()
	})
	if i < 0 {
		return nil
	}
	return bindings[i]
}

// removedBinding adds a binding that is gone. Its requests may still be answered, by another binding.
func (d *differ) removedBinding(subject string, after *snapshot.Method, was *httprule.Binding) {
	c := Change{Kind: Removed, Subject: subject, Path: "http", Old: was.Rule()}
	switch by := answering(d.after, was); by {
	case nil:
		c.breaks("its requests get 404 or 405")
	case after:
	default:
		c.breaks("its requests are answered by " + by.Name)
	}
	d.add(c)
}

// takes says from which method that is still served new bindings take requests away, "" if from none: the more specific
// template wins.
func (d *differ) takes(after *snapshot.Method, bindings ...*httprule.Binding) string {
	for _, is := range bindings {
		by := answering(d.before, is)
		if by != nil && by.Name != after.Name && d.after.Methods[by.Name] != nil {
			return "requests for " + is.HTTPMethod() + " " + is.Shape() + " were answered by " + by.Name
		}
	}
	return ""
}

// answering returns the method of a snapshot that a request for the binding reaches, nil if none does.
func answering(s *snapshot.Snapshot, b *httprule.Binding) *snapshot.Method {
	// A segment that is hardly a literal of another template stands for each wildcard.
	path := strings.NewReplacer("**", "~", "*", "~").Replace(b.Shape())
	m, found, _ := s.Router.Find(b.HTTPMethod(), path, new(httprule.Match))
	if !found {
		return nil
	}
	return m
}
