package httprule

import (
	"bytes"
	"fmt"
	"sync"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"facet/internal/pbwire"
)

// TestShared compiles bindings that share what they can, at once, and holds each against one that shares nothing.
func TestShared(t *testing.T) {
	t.Parallel()
	method := testMethod(t, "library.proto", "Find")
	var shared Shared
	var running sync.WaitGroup
	defer running.Wait()
	for i := range 20 {
		running.Go(func() {
			lenient := i%2 == 0
			for _, u := range usuals {
				own := Options{ParserOptions: pbwire.ParserOptions{Lenient: lenient}}
				common := own
				common.Shared = &shared
				for _, unknown := range []string{"", `"unknown": 1, `} {
					u := u
					u.body = fmt.Sprintf(`{%s"name": "Ann", "address": {"city": "Ulm"}}`, unknown)
					want, wantErr := u.bound(t, method, own)
					got, err := u.bound(t, method, common)
					if !bytes.Equal(got, want) || fmt.Sprint(err) != fmt.Sprint(wantErr) {
						t.Errorf("%s, lenient %v: %x, %v, want %x, %v", u.name, lenient, got, err, want, wantErr)
					}
				}
			}
		})
	}
}

// bound binds the request once.
func (u usual) bound(t *testing.T, method protoreflect.MethodDescriptor, opts Options) ([]byte, error) {
	bindings, err := Compile(method, testRule(u.httpMethod, u.template, u.bodyField), opts)
	if err != nil {
		t.Error(err)
		return nil, err
	}
	var router Router[struct{}]
	if err := router.Add(bindings[0], struct{}{}); err != nil {
		t.Error(err)
	}
	var match Match
	if _, found, _ := router.Find(u.httpMethod, u.path, &match); !found {
		t.Errorf("%s is not found", u.path)
	}
	if bindings[0].HasBody() {
		return match.Binding.AppendRequest(nil, &match, "", []byte(u.body))
	}
	return match.Binding.AppendRequest(nil, &match, "", nil)
}
