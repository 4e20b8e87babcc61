package httprule

import "testing"

// usual is a request as clients send them: path, query, and a body if its binding has one.
type usual struct {
	name                            string
	httpMethod, template, bodyField string
	path, query, body               string
}

var usuals = []usual{
	{"path", "GET", "/v1/users/{x}/orders/{y}", "", "/v1/users/42/orders/7", "", ""},
	{"path+query", "GET", "/v1/users/{x}/orders/{y}", "", "/v1/users/42/orders/7", "page_size=20&author.name=Ann&tags=a&tags=b&select=x", ""},
	{"path+query+body", "POST", "/v1/users/{x}/orders/{y}", "author", "/v1/users/42/orders/7", "page_size=20&exact=true", `{"name": "Ann", "born": 1900, "address": {"city": "Ulm"}}`},
}

// run returns what finds and binds the request once.
func (u usual) run(t testing.TB) func() {
	binding := testBinding(t, testMethod(t, "library.proto", "Find"), testRule(u.httpMethod, u.template, u.bodyField), Options{Reserved: []string{"select"}})
	var router Router[struct{}]
	if err := router.Add(binding, struct{}{}); err != nil {
		t.Fatal(err)
	}
	var match Match
	dst, body := make([]byte, 0, 1024), []byte(u.body)
	return func() {
		router.Find(u.httpMethod, u.path, &match)
		if _, err := match.Binding.AppendRequest(dst, &match, u.query, body); err != nil {
			t.Fatal(err)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	for _, u := range usuals {
		b.Run(u.name, func(b *testing.B) {
			run := u.run(b)
			b.ReportAllocs()
			for b.Loop() {
				run()
			}
		})
	}
}
