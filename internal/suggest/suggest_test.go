package suggest_test

import (
	"testing"

	"facet/internal/suggest"
)

func TestClosest(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		name       string
		candidates []string
		want       string // "" is none
	}{
		"one letter missing":         {"oders", []string{"orders", "users"}, "orders"},
		"one letter too many":        {"userr", []string{"orders", "user"}, "user"},
		"another case":               {"User_ID", []string{"user_id"}, "user_id"},
		"lowerCamel":                 {"pageSize", []string{"page_token", "page_size"}, "page_size"},
		"the closest, not the first": {"titel", []string{"tite", "title", "tiel"}, "tite"},
		"itself":                     {"id", []string{"ids", "id"}, "id"},
		"nothing like it":            {"banana", []string{"orders", "users"}, ""},
		"short names differ":         {"a", []string{"zz"}, ""},
		"no candidates":              {"a", nil, ""},
		"empty":                      {"", []string{"orders"}, ""},
	}
	for name, test := range tests {
		got, ok := suggest.Closest(test.name, test.candidates)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("%s: got %q, %v, want %q", name, got, ok, test.want)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	t.Parallel()
	if got, want := suggest.DidYouMean("oders", []string{"orders"}), `; did you mean "orders"?`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := suggest.DidYouMean("banana", []string{"orders"}); got != "" {
		t.Errorf("got %q for a name like no other", got)
	}
}
