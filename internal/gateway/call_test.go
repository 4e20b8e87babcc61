package gateway

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"facet/internal/plan"
	"facet/internal/snapshot"
)

func TestHeader(t *testing.T) {
	h := Header{}
	if h.Get("a") != "" || h.Values("a") != nil || len(h.Keys()) != 0 {
		t.Error("an empty header holds something")
	}
	h.Set("X-One", "1")
	h.Add("x-ONE", "2")
	h.Add("x-two", "3")
	if got := h.Get("X-oNe"); got != "1" {
		t.Errorf("Get: got %q", got)
	}
	if got := h.Values("x-one"); !reflect.DeepEqual(got, []string{"1", "2"}) {
		t.Errorf("Values: got %q", got)
	}
	if got := slices.Sorted(slices.Values(h.Keys())); !reflect.DeepEqual(got, []string{"x-one", "x-two"}) {
		t.Errorf("Keys: got %q", got)
	}
	h.Set("x-one", "4")
	if got := h.Values("X-One"); !reflect.DeepEqual(got, []string{"4"}) {
		t.Errorf("Values after Set: got %q", got)
	}
}

func TestPartialHeader(t *testing.T) {
	c := &Call{}
	if got := c.PartialHeader(); got != "" {
		t.Errorf("a whole reply: got %q", got)
	}
	c.Partial = []plan.Partial{
		{Call: "orders", Err: status.Error(codes.Unavailable, "down, \"all\" of it\r\nx: y")},
		{Call: "notices", Err: status.Error(codes.DeadlineExceeded, ""), Fallback: true},
		{Call: "other", Err: status.Error(codes.Code(99), "")},
	}
	want := "orders;reason=UNAVAILABLE, notices;reason=DEADLINE_EXCEEDED;fallback, other;reason=UNKNOWN"
	if got := c.PartialHeader(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseGRPCTimeout(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"1H": time.Hour, "2M": 2 * time.Minute, "3S": 3 * time.Second, "4m": 4 * time.Millisecond, "5u": 5 * time.Microsecond,
		"6n": 6, "0m": 0, "00000001S": time.Second, "99999999S": 99999999 * time.Second, "99999999H": 1<<63 - 1,
	} {
		if got, err := parseGRPCTimeout(text); err != nil || got != want {
			t.Errorf("%s: got %v %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "1", "S", "1x", "-1S", "+1S", "1.5S", " 1S", "1S ", "1_0S", "0x1S", "100000000S", "１S", "1h"} {
		if got, err := parseGRPCTimeout(text); err == nil {
			t.Errorf("%q: got %v, want an error", text, got)
		}
	}
}

func TestDeadline(t *testing.T) {
	for name, test := range map[string]struct {
		header Header
		want   time.Duration // 0 is INVALID_TIMEOUT
	}{
		"the method's":               {nil, time.Minute},
		"the client's is shorter":    {Header{"timeout": {"20s"}}, 20 * time.Second},
		"the client's is longer":     {Header{"timeout": {"2m"}}, time.Minute},
		"as gRPC states it":          {Header{"grpc-timeout": {"20S"}}, 20 * time.Second},
		"as gRPC states it, longer":  {Header{"grpc-timeout": {"99999999H"}}, time.Minute},
		"both: that of gRPC":         {Header{"grpc-timeout": {"20S"}, "timeout": {"5s"}}, 20 * time.Second},
		"not positive":               {Header{"timeout": {"0s"}}, 0},
		"negative":                   {Header{"timeout": {"-1s"}}, 0},
		"without a unit":             {Header{"timeout": {"5"}}, 0},
		"wrong as gRPC would put it": {Header{"grpc-timeout": {"5"}}, 0},
	} {
		c := &Call{Header: test.header, method: &snapshot.Method{Timeout: time.Minute}}
		ctx, cancel, err := c.withDeadline(t.Context())
		if test.want == 0 {
			if status.Code(err) != codes.InvalidArgument {
				t.Errorf("%s: got %v, want INVALID_ARGUMENT", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		deadline, _ := ctx.Deadline()
		if left := time.Until(deadline); left > test.want || left < test.want-5*time.Second {
			t.Errorf("%s: %v left, want %v", name, left, test.want)
		}
		cancel()
	}
}

func TestErrorIsAStatus(t *testing.T) {
	e := refuse(codes.InvalidArgument, "INVALID_SELECTION", "no")
	e.Metadata = map[string]string{"field": "select"}
	st := status.Convert(error(e))
	if st.Code() != codes.InvalidArgument || st.Message() != "no" || len(st.Details()) != 1 {
		t.Errorf("got %v", st.Proto())
	}
	for code, want := range map[codes.Code]string{codes.OK: "OK", codes.Canceled: "CANCELLED", codes.Unauthenticated: "UNAUTHENTICATED", 17: "UNKNOWN"} {
		if got := CodeName(code); got != want {
			t.Errorf("%d: got %s, want %s", code, got, want)
		}
	}
}
