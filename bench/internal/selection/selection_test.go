package selection_test

import (
	"slices"
	"testing"

	"facet/bench/internal/selection"
)

func TestPaths(t *testing.T) {
	for text, want := range map[string][]string{
		"":                            nil,
		"user":                        {"user"},
		"user.id,orders":              {"user.id", "orders"},
		"user(id,name),orders.id":     {"user.id", "user.name", "orders.id"},
		"cards(order.id,product(id))": {"cards.order.id", "cards.product.id"},
		"cards(product(id),order(id,state)),total": {
			"cards.product.id", "cards.order.id", "cards.order.state", "total",
		},
	} {
		got, err := selection.Paths(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: got %q and %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"user(", "user(id", "user)", "user(id))"} {
		if got, err := selection.Paths(text); err == nil {
			t.Errorf("%q: got %q, want an error", text, got)
		}
	}
}
