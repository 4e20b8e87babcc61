package app_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"facet/internal/history"
	"facet/internal/snapshot"
)

// stage makes documents the candidate.
func (c *cluster) stage(t *testing.T, documents []snapshot.Document, settings history.Canary) {
	t.Helper()
	base, err := c.store.Live(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.store.Stage(t.Context(), base, documents, settings); err != nil {
		t.Fatal(err)
	}
}

// askAs returns the answer to a user.
func askAs(t *testing.T, url, user string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-User", user)
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func byUser(basisPoints int) history.Canary {
	return history.Canary{
		BasisPoints: basisPoints, By: "header:x-user", MaxErrorIncrease: 0.01, MaxLatencyRatio: 1000, MinRequests: 50,
		Record: history.Record{Author: "tester"},
	}
}

func TestCandidateServesItsShareUntilItIsPromoted(t *testing.T) {
	c := newCluster(t)
	c.push(t, hello("'old'"))
	replicas := []*replica{c.replica(t), c.replica(t)}
	c.stage(t, hello("'new'"), byUser(2000))
	for _, r := range replicas {
		await(t, r.admin+"/readyz", `"canary"`)
	}
	const users = 1000
	drawn := 0
	for user := range users {
		first, second := askAs(t, replicas[0].say, fmt.Sprint(user)), askAs(t, replicas[1].say, fmt.Sprint(user))
		if first != second {
			t.Fatalf("user %d gets %s from one replica and %s from another", user, first, second)
		}
		if first == `{"text":"new"}` {
			drawn++
		}
	}
	if drawn < users*15/100 || drawn > users*25/100 {
		t.Errorf("%d of %d users got the candidate, want about a fifth", drawn, users)
	}
	if metrics := get(t, replicas[0].admin+"/metrics"); !strings.Contains(metrics, fmt.Sprintf(`facet_canary_requests_total{result="ok",side="candidate"} %d`, drawn)) {
		t.Error("the metrics do not tell what the candidate served")
	}

	candidate, err := c.store.Canary(t.Context())
	if err != nil || candidate == nil {
		t.Fatal(candidate, err)
	}
	if _, err := c.store.Promote(t.Context(), candidate, history.Record{Author: "tester"}); err != nil {
		t.Fatal(err)
	}
	for _, r := range replicas {
		eventually(t, "the promoted candidate", func() bool { return !strings.Contains(get(t, r.admin+"/readyz"), `"canary"`) })
		for user := range 50 {
			if got := askAs(t, r.say, fmt.Sprint(user)); got != `{"text":"new"}` {
				t.Fatalf("after the promotion user %d gets %s", user, got)
			}
		}
	}
}

func TestCandidateThatFailsIsAborted(t *testing.T) {
	c := newCluster(t)
	c.push(t, hello("'old'"))
	r := c.replica(t)
	other := c.replica(t)
	moved := hello("'new'")
	moved[0].Data = []byte(strings.ReplaceAll(helloProto, `"/say"`, `"/moved"`)) // right by every check, wrong for every client
	c.stage(t, moved, byUser(5000))
	await(t, r.admin+"/readyz", `"canary"`)
	await(t, other.admin+"/readyz", `"canary"`)
	failed := 0
	eventually(t, "the canary to be aborted", func() bool {
		for user := range 20 {
			if askAs(t, r.say, fmt.Sprint(user)) != `{"text":"old"}` {
				failed++
			}
		}
		ending, err := c.store.LastCanary(t.Context())
		return err == nil && ending != nil
	})
	if failed == 0 {
		t.Error("the candidate served nobody")
	}
	ending, err := c.store.LastCanary(t.Context())
	if err != nil || ending.Outcome != history.Aborted || !strings.Contains(ending.Reason, "% of its requests failed") || !strings.Contains(ending.Author, "automatically") {
		t.Errorf("got %+v, %v", ending, err)
	}
	for _, replica := range []*replica{r, other} { // the other one saw no traffic at all
		eventually(t, "the end of the trial", func() bool { return !strings.Contains(get(t, replica.admin+"/readyz"), `"canary"`) })
		for user := range 50 {
			if got := askAs(t, replica.say, fmt.Sprint(user)); got != `{"text":"old"}` {
				t.Fatalf("after the abort user %d gets %s", user, got)
			}
		}
	}
}

func TestCandidateWithProblemsIsAborted(t *testing.T) {
	c := newCluster(t)
	c.push(t, hello("'old'"))
	r := c.replica(t)
	c.stage(t, hello("nobody"), byUser(5000))
	eventually(t, "the canary to be aborted", func() bool {
		ending, err := c.store.LastCanary(t.Context())
		return err == nil && ending != nil && strings.Contains(ending.Reason, "nobody")
	})
	if got := get(t, r.say); got != `{"text":"old"}` {
		t.Errorf("got %s", got)
	}
}
