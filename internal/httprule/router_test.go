package httprule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// testRouter routes templates of Library.Find, each written `GET /path`, to themselves.
func testRouter(t testing.TB, rules ...string) *Router[string] {
	t.Helper()
	router := &Router[string]{}
	for _, rule := range rules {
		httpMethod, template, _ := strings.Cut(rule, " ")
		binding := testBinding(t, testMethod(t, "library.proto", "Find"), testRule(httpMethod, template, ""), Options{})
		if err := router.Add(binding, rule); err != nil {
			t.Fatal(err)
		}
	}
	return router
}

// outcome is the result of a look-up as text: the rule and the values of its variables, or the methods allowed.
func outcome(router *Router[string], httpMethod, path string) string {
	var match Match
	rule, found, allow := router.Find(httpMethod, path, &match)
	if !found {
		if len(allow) > 0 {
			return "allow " + strings.Join(allow, ",")
		}
		return "none"
	}
	for i := range match.Binding.variables {
		v := &match.Binding.variables[i]
		value, ok := unescape(match.segments(v.start, v.n), v.kept)
		if !ok {
			value = "malformed"
		}
		rule += " " + v.name + "=" + value
	}
	return rule
}

func TestFind(t *testing.T) {
	groups := []struct {
		about   string
		rules   []string
		matches map[string]string // of `GET path`
	}{
		{
			"an empty router", nil,
			map[string]string{"GET /": "none", "GET /a": "none", "GET a": "none", "GET ": "none"},
		},
		{
			"** matches zero or more segments",
			[]string{"GET /**"},
			map[string]string{"GET /": "GET /**", "GET /a": "GET /**", "GET /a/": "GET /**", "GET //": "GET /**", "GET /a/b/c": "GET /**"},
		},
		{
			"wildcards",
			[]string{"GET /", "GET /a/**", "GET /b/*", "GET /c/*/d/**", "GET /c/*/d/e", "GET /c/f/d/e"},
			map[string]string{
				"GET /":            "GET /",
				"GET /a":           "GET /a/**",
				"GET /a/b":         "GET /a/**",
				"GET /a/b/c":       "GET /a/**",
				"GET /b":           "none",
				"GET /b/":          "none",
				"GET /b/c":         "GET /b/*",
				"GET /b/c/":        "none",
				"GET /b/c/d":       "none",
				"GET b/c":          "none",
				"GET /c/u/d/v":     "GET /c/*/d/**",
				"GET /c/u/d":       "GET /c/*/d/**",
				"GET /c/v/d/w/x":   "GET /c/*/d/**",
				"GET /c/x/y/d/z":   "none",
				"GET /c//d/w":      "none", // * is a segment, and not an empty one
				"GET /c/x/d/e":     "GET /c/*/d/e",
				"GET /c/f/d/e":     "GET /c/f/d/e",
				"GET /c/f/d/other": "GET /c/*/d/**", // back from the literal f, which leads nowhere
			},
		},
		{
			"variables",
			[]string{
				"GET /a/{x}/c/d/e", "GET /{x=a/*}/b/{y=*}/c", "GET /a/{x=b/*}/{y=d/**}", "GET /alpha/{x}/beta/{y=**}",
				"GET /{x}/a", "GET /a/b/{x}", "GET /a/b/c/{x=**}", "GET /{x}/d/e/f/{y=**}",
			},
			map[string]string{
				"GET /a/book/c/d/e":            "GET /a/{x}/c/d/e x=book",
				"GET /a/hello/b/world/c":       "GET /{x=a/*}/b/{y=*}/c x=a/hello y=world",
				"GET /a/b/zoo/d/animal/tiger":  "GET /a/{x=b/*}/{y=d/**} x=b/zoo y=d/animal/tiger",
				"GET /a/b/zoo/d":               "GET /a/{x=b/*}/{y=d/**} x=b/zoo y=d",
				"GET /alpha/dog/beta/eat/bone": "GET /alpha/{x}/beta/{y=**} x=dog y=eat/bone",
				"GET /alpha/dog/beta":          "GET /alpha/{x}/beta/{y=**} x=dog y=",
				"GET /alpha/dog/beta/":         "GET /alpha/{x}/beta/{y=**} x=dog y=",
				"GET /alpha/dog/beta//z":       "GET /alpha/{x}/beta/{y=**} x=dog y=/z",
				"GET /foo/a":                   "GET /{x}/a x=foo",
				"GET /a/b/foo":                 "GET /a/b/{x} x=foo",
				"GET /a/b/c/foo/bar/baz":       "GET /a/b/c/{x=**} x=foo/bar/baz",
				"GET /foo/d/e/f/bar/baz":       "GET /{x}/d/e/f/{y=**} x=foo y=bar/baz",
			},
		},
		{
			"one segment is decoded, + is itself",
			[]string{"GET /a/{x}/c"},
			map[string]string{
				"GET /a/p%20q%2Fr+/c": "GET /a/{x}/c x=p q/r+",
				"GET /a/%21%23%24%26%27%28%29%2A%2B%2C%2F%3A%3B%3D%3F%40%5B%5D/c": "GET /a/{x}/c x=!#$&'()*+,/:;=?@[]",
				"GET /a/%252F/c": "GET /a/{x}/c x=%2F",
				"GET /a/%zz/c":   "GET /a/{x}/c x=malformed",
				"GET /a/%2/c":    "GET /a/{x}/c x=malformed",
			},
		},
		{
			"several segments keep escapes of reserved characters",
			[]string{"GET /a/{x=p/*/q/*}/c", "GET /b/{x=**}", "GET /l/{x=m/n}"},
			map[string]string{
				"GET /a/p/foo%20foo/q/bar%2fbar/c":                              "GET /a/{x=p/*/q/*}/c x=p/foo foo/q/bar%2fbar",
				"GET /b/p/foo%20foo/q/bar%2Fbar+":                               "GET /b/{x=**} x=p/foo foo/q/bar%2Fbar+",
				"GET /b/one%2Fsegment":                                          "GET /b/{x=**} x=one%2Fsegment",
				"GET /b/%21%23%24%26%27%28%29%2A%2B%2C%2F%3A%3B%3D%3F%40%5B%5D": "GET /b/{x=**} x=%21%23%24%26%27%28%29%2A%2B%2C%2F%3A%3B%3D%3F%40%5B%5D",
				"GET /b/%7E%25%C3%A9":                                           "GET /b/{x=**} x=~%é",
				"GET /l/m/%6e":                                                  "GET /l/{x=m/n} x=m/n",
			},
		},
		{
			"literals match decoded",
			[]string{"GET /a%2Fb/c", "GET /caf%C3%A9", "GET /A"},
			map[string]string{
				"GET /a%2fb/c":                       "GET /a%2Fb/c",
				"GET /a/b/c":                         "none",
				"GET /caf%c3%a9":                     "GET /caf%C3%A9",
				"GET /c%61f%C3%A9":                   "GET /caf%C3%A9",
				"GET /%41":                           "GET /A",
				"GET /a":                             "none", // no folding of case
				"GET /A%":                            "none",
				"GET /" + strings.Repeat("%41", 100): "none",
			},
		},
		{
			"verbs",
			[]string{"GET /person", "GET /person/{x=*}", "GET /{x=**}:verb"},
			map[string]string{
				"GET /person:verb":           "GET /{x=**}:verb x=person",
				"GET /person/jason:verb":     "GET /{x=**}:verb x=person/jason",
				"GET /animal/cat:verb":       "GET /{x=**}:verb x=animal/cat",
				"GET /:verb":                 "GET /{x=**}:verb x=",
				"GET /person":                "GET /person",
				"GET /person/jason":          "GET /person/{x=*} x=jason",
				"GET /animal":                "none",
				"GET /person:other":          "none",
				"GET /person/jason:other":    "GET /person/{x=*} x=jason:other",
				"GET /person/jason:":         "GET /person/{x=*} x=jason:",
				"GET /person/jason%3Averb":   "GET /person/{x=*} x=jason:verb",
				"GET /person/jason:v%65rb":   "GET /{x=**}:verb x=person/jason",
				"GET /person/jason:verb%zz":  "GET /person/{x=*} x=malformed",
				"GET /person/jason:verb/cat": "none",
				"GET /animal/cat:other":      "none",
			},
		},
		{
			"a verb ends the last segment only",
			[]string{"GET /{x=*}/{y=*}:verb", "GET /{x=**}", "GET /foo/*/hello"},
			map[string]string{
				"GET /some:verb/const:verb":   "GET /{x=*}/{y=*}:verb x=some:verb y=const",
				"GET /some:verb/const":        "GET /{x=**} x=some:verb/const",
				"GET /some:verb2/const:verb2": "GET /{x=**} x=some:verb2/const:verb2",
				"GET /a/b:x:verb":             "GET /{x=*}/{y=*}:verb x=a y=b:x",
				"GET /foo/other:verb/hello":   "GET /foo/*/hello",
				"GET /a/:verb":                "GET /{x=**} x=a/:verb", // * is not empty
			},
		},
		{
			"verbs with wildcards",
			[]string{
				"GET /some/const:verb", "GET /some/*:verb", "GET /some/*/foo:verb", "GET /other/**:verb", "GET /a/{x=d/**}:verb", "GET /a/{y}:verb",
			},
			map[string]string{
				"GET /some/const:verb":       "GET /some/const:verb",
				"GET /some/other:verb":       "GET /some/*:verb",
				"GET /some/other:verb/":      "none",
				"GET /some/bar/foo:verb":     "GET /some/*/foo:verb",
				"GET /some/a/b/foo:verb":     "none",
				"GET /some/foo/bar:verb":     "none",
				"GET /other/bar/foo:verb":    "GET /other/**:verb",
				"GET /other:verb":            "GET /other/**:verb",
				"GET /a/world:verb":          "GET /a/{y}:verb y=world",
				"GET /a/d/animal/tiger:verb": "GET /a/{x=d/**}:verb x=d/animal/tiger",
				"GET /a/d:verb":              "GET /a/{x=d/**}:verb x=d",
			},
		},
		{
			"only whole paths match",
			[]string{"GET /prefix/middle/suffix", "GET /prefix/middle", "GET /prefix", "GET /x/y/z"},
			map[string]string{
				"GET /prefix/middle/suffix":       "GET /prefix/middle/suffix",
				"GET /prefix/middle":              "GET /prefix/middle",
				"GET /prefix":                     "GET /prefix",
				"GET /prefix/":                    "none",
				"GET /prefix/middle/suffix/other": "none",
				"GET /prefix/other":               "none",
				"GET /x/y":                        "none",
				"GET /other":                      "none",
			},
		},
		{
			"HTTP methods",
			[]string{"GET /users/{x}", "POST /users/search", "DELETE /users/{y}", "* /any/{x}", "PUT /any/{y}", "HEAD /**"},
			map[string]string{
				"GET /users/search":  "GET /users/{x} x=search", // the more specific path has no GET
				"POST /users/search": "POST /users/search",
				"POST /users/7":      "allow DELETE,GET,HEAD",
				"PUT /users/search":  "allow DELETE,GET,HEAD,POST",
				"HEAD /users/7":      "HEAD /**",
				"get /users/7":       "allow DELETE,GET,HEAD",
				"GET /nowhere":       "allow HEAD",
				"PUT /any/7":         "PUT /any/{y} y=7", // the method itself before any
				"PURGE /any/7":       "* /any/{x} x=7",
				"HEAD /any/7":        "* /any/{x} x=7", // the most specific path before the method itself
			},
		},
	}
	for _, group := range groups {
		t.Run(group.about, func(t *testing.T) {
			for _, rules := range [][]string{group.rules, reversed(group.rules)} {
				router := testRouter(t, rules...)
				for request, want := range group.matches {
					httpMethod, path, _ := strings.Cut(request, " ")
					if got := outcome(router, httpMethod, path); got != want {
						t.Errorf("%s finds %q, want %q", request, got, want)
					}
				}
			}
		})
	}
}

func reversed(rules []string) []string {
	rules = slices.Clone(rules)
	slices.Reverse(rules)
	return rules
}

func TestAddRefusesSameShape(t *testing.T) {
	tests := []struct{ first, second, err string }{
		{"GET /a/{x}", "GET /a/{y}", "GET /a/{y} (library.v1.Library/Find) clashes with GET /a/{x} (library.v1.Library/Find): both match the same requests; change the path of one"},
		{"GET /a/*", "GET /a/{y}", "GET /a/{y} (library.v1.Library/Find) clashes with GET /a/* (library.v1.Library/Find): both match the same requests; change the path of one"},
		{"GET /%41:v", "GET /A:%76", "GET /A:%76 (library.v1.Library/Find) clashes with GET /%41:v (library.v1.Library/Find): both match the same requests; change the path of one"},
		{"GET /{x=a/**}", "GET /a/**", "GET /a/** (library.v1.Library/Find) clashes with GET /{x=a/**} (library.v1.Library/Find): both match the same requests; change the path of one"},
		{"GET /a/{x}", "POST /a/{x}", ""},
		{"GET /a/{x}", "* /a/{x}", ""},
		{"GET /a/{x}", "GET /a/{x}:verb", ""},
		{"GET /a/{x}", "GET /a/{x=**}", ""},
	}
	for _, test := range tests {
		router := testRouter(t, test.first)
		httpMethod, template, _ := strings.Cut(test.second, " ")
		binding := testBinding(t, testMethod(t, "library.proto", "Find"), testRule(httpMethod, template, ""), Options{})
		err := router.Add(binding, test.second)
		if got := fmt.Sprint(err); got != test.err && (test.err != "" || err != nil) {
			t.Errorf("%s after %s: %v, want %q", test.second, test.first, err, test.err)
		}
	}
}

// TestFindAgainstEveryTemplate compares the router with a search that tries all templates, from the most
// specific to the least.
func TestFindAgainstEveryTemplate(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var rules []string
		for range 1 + random.IntN(12) {
			rule := pick(random, "GET", "GET", "POST", "*") + " " + randomTemplate(random)
			if !slices.ContainsFunc(rules, func(other string) bool { return other == rule }) {
				rules = append(rules, rule)
			}
		}
		router := testRouter(t, rules...)
		for range 60 {
			httpMethod, path := pick(random, "GET", "POST"), randomPath(random)
			want := slowFind(t, rules, httpMethod, path)
			if got := outcome(router, httpMethod, path); got != want {
				t.Fatalf("%s %s among %q finds %q, want %q", httpMethod, path, rules, got, want)
			}
		}
	}
}

func pick(random *rand.Rand, choices ...string) string { return choices[random.IntN(len(choices))] }

func randomTemplate(random *rand.Rand) string {
	var b strings.Builder
	for range 1 + random.IntN(4) {
		b.WriteString("/" + pick(random, "a", "b", "*"))
	}
	b.WriteString(pick(random, "", "", "/**"))
	b.WriteString(pick(random, "", "", ":v", ":w"))
	return b.String()
}

func randomPath(random *rand.Rand) string {
	var b strings.Builder
	for range 1 + random.IntN(5) {
		b.WriteString("/" + pick(random, "a", "a", "b", "b", "c", "a:v", ""))
	}
	b.WriteString(pick(random, "", "", ":v", ":w", ":x"))
	return b.String()
}

// slowFind is the specification of Find, for templates without variables.
func slowFind(t *testing.T, rules []string, httpMethod, path string) string {
	best, bestRank := "none", ""
	var allow []string
	for _, rule := range rules {
		ruleMethod, text, _ := strings.Cut(rule, " ")
		parsed, err := parseTemplate(text)
		if err != nil {
			t.Fatal(err)
		}
		if !slowMatch(parsed, path) {
			continue
		}
		allow = append(allow, ruleMethod)
		if ruleMethod != httpMethod && ruleMethod != "*" {
			continue
		}
		if rank := specificity(parsed, ruleMethod); rank > bestRank {
			best, bestRank = rule, rank
		}
	}
	if bestRank == "" && len(allow) > 0 {
		slices.Sort(allow)
		return "allow " + strings.Join(slices.Compact(allow), ",")
	}
	return best
}

// specificity orders templates that match one path: the greater, the more specific.
func specificity(t *template, httpMethod string) string {
	rank := "0"
	if t.verb != "" {
		rank = "1"
	}
	for _, s := range t.segments {
		rank += map[segmentKind]string{literalSegment: "4", anySegment: "3", restSegments: "1"}[s.kind]
	}
	if len(t.segments) == 0 || t.segments[len(t.segments)-1].kind != restSegments {
		rank += "2" // it ends here: more specific than `**` that matches nothing more
	}
	if httpMethod != "*" {
		rank += "9"
	}
	return rank
}

func slowMatch(t *template, path string) bool {
	if t.verb != "" {
		var ok bool
		if path, ok = strings.CutSuffix(path, ":"+t.verb); !ok {
			return false
		}
	}
	var segments []string
	if path != "/" && path != "" {
		segments = strings.Split(path[1:], "/")
	}
	for i, s := range t.segments {
		switch {
		case s.kind == restSegments:
			return true
		case i >= len(segments), s.kind == anySegment && segments[i] == "", s.kind == literalSegment && segments[i] != s.literal:
			return false
		}
	}
	return len(segments) == len(t.segments)
}

// A long path must not cost more than a walk along it, and must not exhaust the stack.
func TestFindLongPath(t *testing.T) {
	router := testRouter(t, "GET /a/**", "GET /a/*/*/*/b")
	path := "/a/" + strings.Repeat("/", 64000)
	if got := outcome(router, "GET", path); got != "GET /a/**" {
		t.Errorf("found %q", got)
	}
	if got := outcome(router, "GET", "/b"+path); got != "none" {
		t.Errorf("found %q", got)
	}
}

func TestFindDoesNotAllocate(t *testing.T) {
	router := testRouter(t, "GET /v1/users/{x}/orders/{y}", "GET /v1/{x=**}", "POST /v1/users/*/orders/*:cancel")
	var match Match
	for _, path := range []string{"/v1/users/42/orders/7", "/v1/us%65rs/4%202/orders/7", "/v1/users/42/orders/7/more", "/v1/users/42/orders/7:cancel", "/nowhere"} {
		if n := testing.AllocsPerRun(100, func() { router.Find("GET", path, &match) }); n != 0 {
			t.Errorf("%s: %v allocations", path, n)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{10, 10000} {
		b.Run(fmt.Sprintf("templates=%d", n), func(b *testing.B) {
			router := testRouter(b, "GET /v1/users/{x}/orders/{y}")
			for i := range n - 1 {
				rule := testRule("GET", fmt.Sprintf("/v1/things%d/{x}/orders/{y}", i), "")
				if err := router.Add(testBinding(b, testMethod(b, "library.proto", "Find"), rule, Options{}), ""); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			var match Match
			for b.Loop() {
				router.Find("GET", "/v1/users/42/orders/7", &match)
			}
		})
	}
}
