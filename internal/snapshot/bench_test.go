package snapshot_test

import (
	"bytes"
	"fmt"
	"testing"

	"facet/internal/httprule"
	"facet/internal/snapshot"
	"facet/internal/upstream"
)

// large is how many methods a large configuration has: with what they need they are 200 documents.
const large = 99 * methodsPerTeam

func BenchmarkBuild(b *testing.B) {
	for _, size := range []struct {
		name    string
		methods int
	}{{"10", 10}, {"200docs-2000methods", large}, {"10000", 10000}} {
		b.Run(size.name, func(b *testing.B) {
			documents, pool := generated(size.methods), upstream.NewPool()
			b.ReportAllocs()
			for b.Loop() {
				var holder snapshot.Holder
				publishNext(b, &holder, snapshot.NewBuilder(pool), documents)
				holder.Publish(nil)
			}
		})
	}
}

// BenchmarkRebuildOneLine changes one line of 200 documents with 2,000 methods: of a plan, or of something that is used in so
// many places.
func BenchmarkRebuildOneLine(b *testing.B) {
	for _, change := range []struct{ name, document, old, new string }{
		{"plan", "team50.yaml", "timeout: 800ms", "timeout: %dms"},
		{"json", "json.yaml", "kratos", "omit # %d"},
		{"target of an upstream", "upstreams.yaml", "127.0.0.1:1", "127.0.0.1:%d"},
		{"contract", "team50/v1/team.proto", "int32 total = 3", "int32 total = %d"},
		{"contract of an upstream", "shop/v1/shop.proto", "int32 total = 2", "int32 total = %d"},
	} {
		b.Run(change.name, func(b *testing.B) {
			documents := append(generated(large), snapshot.Document{Name: "json.yaml", Data: []byte("json:\n  unset: kratos\n")})
			var changed *snapshot.Document
			for i := range documents {
				if documents[i].Name == change.document {
					changed = &documents[i]
				}
			}
			original := changed.Data
			var holder snapshot.Holder
			defer holder.Publish(nil)
			builder := snapshot.NewBuilder(upstream.NewPool())
			publishNext(b, &holder, builder, documents)
			b.ReportAllocs()
			for i := 1000; b.Loop(); i++ {
				changed.Data = bytes.Replace(original, []byte(change.old), fmt.Appendf(nil, change.new, i), 1)
				publishNext(b, &holder, builder, documents)
			}
		})
	}
}

// BenchmarkMatch finds what serves a request, among few methods and many: the same one each time, or each in turn, which no
// processor's cache holds.
func BenchmarkMatch(b *testing.B) {
	for _, methods := range []int{10, 10000} {
		var holder snapshot.Holder
		publishNext(b, &holder, snapshot.NewBuilder(upstream.NewPool()), generated(methods))
		var paths []string
		for team := range (methods + methodsPerTeam - 1) / methodsPerTeam {
			for i := range min(methods, methodsPerTeam) {
				if i%4 != 3 {
					paths = append(paths, fmt.Sprintf("/team%d/screens%d/42", team, i))
				}
			}
		}
		for _, distinct := range []int{1, len(paths)} {
			find := func(path string) {
				s := holder.Pin()
				defer s.Unpin()
				var match httprule.Match
				m, found, _ := s.Router.Find("GET", path, &match)
				if !found {
					b.Fatal(path)
				}
				if _, err := m.View("", match.Binding); err != nil {
					b.Fatal(err)
				}
			}
			for _, path := range paths[:distinct] {
				find(path) // compiles the view
			}
			b.Run(fmt.Sprintf("%d methods/%d in turn", methods, distinct), func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					find(paths[i%distinct])
				}
			})
		}
		holder.Publish(nil)
	}
}

// publishNext publishes the next snapshot of a builder.
func publishNext(tb testing.TB, holder *snapshot.Holder, builder *snapshot.Builder, documents []snapshot.Document) *snapshot.Snapshot {
	tb.Helper()
	s, problems := builder.Build(tb.Context(), documents)
	if len(problems) > 0 {
		tb.Fatal(problems)
	}
	holder.Publish(s)
	return s
}
