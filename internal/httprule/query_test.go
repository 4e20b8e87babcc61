package httprule

import (
	"net/url"
	"testing"
)

func TestQuery(t *testing.T) {
	tests := []struct {
		raw, name, value string
		n                int
	}{
		{"", "select", "", 0},
		{"select", "select", "", 1},
		{"select=a", "select", "a", 1},
		{"a=1&select=a,b(c)&b=2", "select", "a,b(c)", 1},
		{"select=a%2Cb+c%2B", "select", "a,b c+", 1},
		{"s%65lect=a", "select", "a", 1},
		{"select=a&select=b", "select", "a", 2},
		{"select=&select=b", "select", "", 2},
		{"&&select=a=b&", "select", "a=b", 1},
		{"Select=a&selected=b&x=select", "select", "", 0},
		{"%24fields=a", "$fields", "a", 1},
		{"select=100%", "select", "100%", 1},
		{"sel%=a", "sel%", "a", 1},
	}
	for _, test := range tests {
		if value, n := Query(test.raw, test.name); value != test.value || n != test.n {
			t.Errorf("Query(%q, %q) is %q, %d, want %q, %d", test.raw, test.name, value, n, test.value, test.n)
		}
	}
}

func TestQueryDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { Query("page_size=10&select=user(id,name)&x=1", "select") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzQuery compares the reader of queries with that of net/url, on queries that the latter takes.
func FuzzQuery(f *testing.F) {
	f.Add("a=1&a=2&b", "a")
	f.Add("%61=%2B+&&=x", "a")
	f.Fuzz(func(t *testing.T, raw, name string) {
		values, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		value, n := Query(raw, name)
		if n != len(values[name]) || value != values.Get(name) {
			t.Errorf("Query(%q, %q) is %q, %d, want %q, %d", raw, name, value, n, values.Get(name), len(values[name]))
		}
	})
}
