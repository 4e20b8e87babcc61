package diff

import (
	"cmp"
	"fmt"
	"io"
	"strings"
)

// Kind says how something changed.
type Kind string

// The kinds of changes.
const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Changed Kind = "changed"
)

// sign is how a terminal shows a kind.
func (k Kind) sign() string {
	switch k {
	case Added:
		return "+"
	case Removed:
		return "-"
	}
	return "~"
}

// Report is what changed, in an order that depends on nothing but the snapshots: methods, then the messages and enums of
// contracts, then upstreams, then the settings of the gateway.
type Report struct {
	Changes []Change `json:"changes"`
}

// Change is one difference. Its JSON names are stable.
type Change struct {
	Kind Kind `json:"kind"`
	// Subject is what it belongs to: `method mall.v1.MallService/GetHome`, `message mall.v1.GetHomeReply`,
	// `enum order.v1.State`, `upstream user`, `json`, `limits`.
	Subject string `json:"subject"`
	// Path leads to what changed in the subject, `calls.orders.timeout`; empty if it is the subject itself.
	Path string `json:"path,omitempty"`
	// Old and New are as documents write them; one that is not there is empty.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
	// Breaking tells that a client that works with the old snapshot may not with the new one.
	Breaking bool `json:"breaking"`
	// Why says what such a client meets.
	Why string `json:"why,omitempty"`
}

// Breaking returns how many of the changes break clients.
func (r *Report) Breaking() int {
	n := 0
	for _, c := range r.Changes {
		if c.Breaking {
			n++
		}
	}
	return n
}

// WriteText writes the report for people: the changes below their subjects, and their number.
func (r *Report) WriteText(w io.Writer) error {
	var out strings.Builder
	for rest := r.Changes; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].Subject == rest[0].Subject {
			n++
		}
		writeSubject(&out, rest[:n])
		rest = rest[n:]
	}
	out.WriteString(r.summary())
	_, err := io.WriteString(w, out.String())
	return err
}

func (r *Report) summary() string {
	breaking := r.Breaking()
	switch n := len(r.Changes); {
	case n == 0:
		return "no semantic change\n"
	case breaking == 0:
		return fmt.Sprintf("%s, none breaks clients\n", count(n, "change"))
	default:
		return fmt.Sprintf("%s, %d BREAKING for clients\n", count(n, "change"), breaking)
	}
}

// count returns "1 change", "2 changes".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// writeSubject writes the changes of one subject, their values below each other.
func writeSubject(out *strings.Builder, changes []Change) {
	whole := changes[0].Path == ""
	if whole {
		changes[0].write(out, "", changes[0].Subject, 0)
		changes = changes[1:]
	} else {
		fmt.Fprintf(out, "~ %s\n", changes[0].Subject)
	}
	const widest = 40
	width := 0
	for _, c := range changes {
		if len(c.Path) <= widest {
			width = max(width, len(c.Path))
		}
	}
	for _, c := range changes {
		c.write(out, "    ", c.Path, width)
	}
}

// write writes one change: its name padded to a width, its values, and below them whom it breaks.
func (c *Change) write(out *strings.Builder, indent, name string, width int) {
	values := brief(cmp.Or(c.New, c.Old))
	if c.Old != "" && c.New != "" {
		values = brief(c.Old) + " -> " + brief(c.New)
	}
	line := fmt.Sprintf("%s%s %-*s  %s", indent, c.Kind.sign(), width, name, values)
	out.WriteString(strings.TrimRight(line, " ") + "\n")
	if c.Breaking {
		fmt.Fprintf(out, "%s  BREAKING: %s\n", indent, c.Why)
	}
}

// brief puts a value on one line of bounded length.
func brief(value string) string {
	const longest = 120
	runes := []rune(strings.Join(strings.Fields(value), " "))
	if len(runes) > longest {
		return string(runes[:longest]) + "..."
	}
	return string(runes)
}
