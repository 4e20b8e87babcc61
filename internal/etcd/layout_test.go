package etcd_test

import (
	"strings"
	"testing"

	"facet/internal/etcd"
)

func TestLayoutNamesKeys(t *testing.T) {
	t.Parallel()
	layout, err := etcd.NewLayout("/teams/a", "mall")
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		layout.Live():            "/teams/a/mall/live/",
		layout.Push():            "/teams/a/mall/push",
		layout.CanaryDocuments(): "/teams/a/mall/canary/documents/",
		layout.CanarySettings():  "/teams/a/mall/canary/settings",
		layout.CanaryResult():    "/teams/a/mall/canary-result",
		layout.Snapshots():       "/teams/a/mall/snapshots/",
		layout.Version("v1"):     "/teams/a/mall/snapshots/v1/",
		layout.Hash("1f"):        "/teams/a/mall/hashes/1f",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestLayoutRefusesNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ prefix, app, want string }{
		{"/facet", "", `"" is not the name of an application`},
		{"/facet", "a/b", `"a/b" is not the name`},
		{"/facet", "..", `".." is not the name`},
		{"/facet", "-mall", `"-mall" is not the name`},
		{"/facet", "mall\n", `is not the name`},
		{"", "mall", `"" is not a prefix`},
		{"/", "mall", `"/" is not a prefix`},
		{"facet", "mall", `"facet" is not a prefix`},
		{"/facet/", "mall", `"/facet/" is not a prefix`},
		{"/a//b", "mall", `"/a//b" is not a prefix`},
		{"/a/../b", "mall", `"/a/../b" is not a prefix`},
	} {
		if _, err := etcd.NewLayout(test.prefix, test.app); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q %q: got %v, want %s", test.prefix, test.app, err, test.want)
		}
	}
}
