package etcd_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"facet/internal/etcd"
)

// Whatever is written while the network comes and goes and the past is compacted away, each reported set is what etcd
// held at its revision, revisions only rise, and the last set is what etcd holds.
func TestWatchReportsOnlyWhatEtcdHeld(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	proxy, behind, direct := behindProxy(t)
	model := &model{client: direct, random: random, documents: map[string]string{}, history: map[int64][]string{}}
	model.change(t)
	reports := watch(t, behind, etcd.Set{})

	var seen []report
	for range 400 {
		switch random.IntN(20) {
		case 0:
			proxy.Cut()
		case 1, 2:
			proxy.Heal()
		case 3:
			proxy.Heal()
			for mostRecent := model.change(t); mostRecent > revisionOf(seen); {
				seen = append(seen, next(t, reports))
			}
		case 4:
			model.compact(t)
		default:
			model.change(t)
		}
	}
	proxy.Heal()
	for last := model.change(t); last > revisionOf(seen); {
		seen = append(seen, next(t, reports))
	}
	model.judge(t, seen)
}

// revisionOf returns that of the last set, 0 if there is none.
func revisionOf(reports []report) int64 {
	for _, r := range slices.Backward(reports) {
		if r.err == nil {
			return r.set.Revision
		}
	}
	return 0
}

// model knows what etcd has held at every revision.
type model struct {
	client    *clientv3.Client
	random    *rand.Rand
	documents map[string]string
	history   map[int64][]string // by revision, as content returns it
	last      int64
}

// change makes one transaction of several random changes, and returns its revision. No two states are equal, so that
// each is reported or passed over on the way to a later one.
func (m *model) change(t *testing.T) int64 {
	t.Helper()
	m.documents["always.yaml"] = fmt.Sprint(m.last)
	operations := []clientv3.Op{clientv3.OpPut(prefix+"always.yaml", m.documents["always.yaml"])}
	for _, i := range m.random.Perm(6)[:m.random.IntN(4)] {
		name := fmt.Sprintf("%d.yaml", i)
		if m.random.IntN(3) == 0 {
			delete(m.documents, name)
			operations = append(operations, clientv3.OpDelete(prefix+name))
		} else {
			m.documents[name] = fmt.Sprint(m.random.IntN(10))
			operations = append(operations, clientv3.OpPut(prefix+name, m.documents[name]))
		}
	}
	revision, committed, err := etcd.Commit(t.Context(), m.client, nil, operations)
	if err != nil || !committed {
		t.Fatal(committed, err)
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(m.documents)) {
		lines = append(lines, name+"="+m.documents[name])
	}
	m.last, m.history[revision] = revision, lines
	return revision
}

// compact makes etcd forget all revisions but the last.
func (m *model) compact(t *testing.T) {
	t.Helper()
	if _, err := m.client.Compact(t.Context(), m.last); err != nil && !errors.Is(err, rpctypes.ErrCompacted) { // twice the same
		t.Fatal(err)
	}
}

// judge holds reports against the model.
func (m *model) judge(t *testing.T, reports []report) {
	t.Helper()
	sets, failures, before := 0, 0, int64(0)
	for _, r := range reports {
		if r.err != nil {
			failures++
			continue
		}
		sets++
		if want := m.history[r.set.Revision]; !slices.Equal(content(r.set), want) {
			t.Errorf("at revision %d\ngot  %v\nwant %v", r.set.Revision, content(r.set), want)
		}
		if r.set.Revision <= before {
			t.Errorf("revision %d is reported after %d", r.set.Revision, before)
		}
		before = r.set.Revision
	}
	if before != m.last {
		t.Errorf("the last report is of revision %d, not %d", before, m.last)
	}
	t.Logf("%d changes, %d sets, %d failures reported", len(m.history), sets, failures)
}
