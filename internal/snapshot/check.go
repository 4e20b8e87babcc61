package snapshot

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/pbwire"
	"facet/internal/problem"
)

// The defaults that gateway.proto documents, of what is applied here.
const (
	defaultTimeout        = 10 * time.Second
	defaultBodyBytes      = 4 << 20
	defaultSelectionBytes = 4096
	defaultSelectionDepth = 16
	defaultSelectionPaths = 256
	defaultSelectionCache = 256
	defaultStreamIdle     = 10 * time.Minute
	defaultStreamAge      = time.Hour
)

// sorted returns the names of entries in their order.
func sorted[T any](entries map[string]T) []string { return slices.Sorted(maps.Keys(entries)) }

// check reports settings that are out of range by themselves or next to each other.
func (c *configuration) check() problem.List {
	var problems problem.List
	for _, name := range sorted(c.readings) {
		problems = append(problems, c.readings[name].outOfRange...)
	}
	return append(problems, c.checkServices()...)
}

// check reports settings of a document that are out of range by themselves.
func (r *reading) check() problem.List {
	var problems problem.List
	for _, name := range sorted(r.gateway.GetUpstreams()) {
		problems = append(problems, checkUpstream(name, located[*gatewayv1.Upstream]{r.gateway.GetUpstreams()[name], r.positions, []string{"upstreams", name}})...)
	}
	for _, name := range sorted(r.gateway.GetMethods()) {
		problems = append(problems, checkMethod(located[*gatewayv1.Method]{r.gateway.GetMethods()[name], r.positions, []string{"methods", name}})...)
	}
	problems = append(problems, checkLimits(located[*gatewayv1.Limits]{r.gateway.GetLimits(), r.positions, []string{"limits"}})...)
	return append(problems, checkCORS(located[*gatewayv1.Cors]{r.gateway.GetCors(), r.positions, []string{"cors"}})...)
}

func checkUpstream(name string, u located[*gatewayv1.Upstream]) problem.List {
	problems := checkTimeout(u.config.GetTimeout(), u.at("timeout"))
	problems = append(problems, checkNotNegative("max_reply_bytes", u.config.GetMaxReplyBytes(), u.at("max_reply_bytes"))...)
	if len(u.config.GetServices()) == 0 {
		problems = append(problems, problem.At(u.key(), "upstream %q serves nothing; list its `services`, such as user.v1.UserService", name))
	}
	return problems
}

// checkServices reports services that are listed twice, where they are the second time.
func (c *configuration) checkServices() problem.List {
	places := map[string][]position{} // by service
	for _, u := range c.upstreams {
		for i, service := range u.config.GetServices() {
			places[service] = append(places[service], func() problem.Position { return u.at("services", strconv.Itoa(i)) })
		}
	}
	var problems problem.List
	for _, service := range sorted(places) {
		if len(places[service]) == 1 {
			continue
		}
		var listed []problem.Position
		for _, at := range places[service] {
			listed = append(listed, at())
		}
		slices.SortFunc(listed, problem.Position.Compare)
		for _, again := range listed[1:] {
			problems = append(problems, problem.At(again, "service %s is listed in %s already; it belongs to one upstream", service, listed[0]))
		}
	}
	return problems
}

func checkMethod(m located[*gatewayv1.Method]) problem.List {
	problems := checkTimeout(m.config.GetTimeout(), m.at("timeout"))
	for _, name := range sorted(m.config.GetCalls()) {
		call := m.config.GetCalls()[name]
		problems = append(problems, checkTimeout(call.GetTimeout(), m.at("calls", name, "timeout"))...)
		problems = append(problems, checkNotNegative("batch", call.GetBatch(), m.at("calls", name, "batch"))...)
		problems = append(problems, checkNotNegative("concurrency", call.GetConcurrency(), m.at("calls", name, "concurrency"))...)
	}
	return problems
}

func checkLimits(l located[*gatewayv1.Limits]) problem.List {
	var problems problem.List
	l.config.ProtoReflect().Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		name := string(field.Name())
		if duration, ok := value.Interface().(protoreflect.Message); ok {
			problems = append(problems, checkTimeout(duration.Interface().(*durationpb.Duration), l.at(name))...)
		} else {
			problems = append(problems, checkNotNegative(name, int32(value.Int()), l.at(name))...)
		}
		return true
	})
	return problems
}

// checkTimeout refuses a timeout that would let nothing pass. Documents cannot hold negative ones.
func checkTimeout(timeout *durationpb.Duration, at problem.Position) problem.List {
	if timeout == nil || timeout.AsDuration() > 0 {
		return nil
	}
	return problem.List{problem.At(at, "a timeout of 0s would let nothing pass; leave it out for the default")}
}

func checkNotNegative(name string, value int32, at problem.Position) problem.List {
	if value >= 0 {
		return nil
	}
	return problem.List{problem.At(at, "%s cannot be negative: %d; leave it out for the default", name, value)}
}

// filledLimits returns the limits with what the documents leave out.
func (c *configuration) filledLimits() *gatewayv1.Limits {
	limits := new(gatewayv1.Limits)
	proto.Merge(limits, c.limits.config)
	setDefault(&limits.BodyBytes, defaultBodyBytes)
	setDefault(&limits.SelectionBytes, defaultSelectionBytes)
	setDefault(&limits.SelectionDepth, defaultSelectionDepth)
	setDefault(&limits.SelectionPaths, defaultSelectionPaths)
	setDefault(&limits.SelectionCache, defaultSelectionCache)
	if limits.StreamIdle == nil {
		limits.StreamIdle = durationpb.New(defaultStreamIdle)
	}
	if limits.StreamAge == nil {
		limits.StreamAge = durationpb.New(defaultStreamAge)
	}
	return limits
}

func setDefault(value *int32, to int32) {
	if *value == 0 {
		*value = to
	}
}

// unset returns how unset fields look in JSON.
func (c *configuration) unset() pbwire.Unset {
	switch c.json.config.GetUnset() {
	case gatewayv1.Json_UNSET_KRATOS:
		return pbwire.UnsetKratos
	case gatewayv1.Json_UNSET_OMIT:
		return pbwire.UnsetOmit
	}
	return pbwire.UnsetDefaults
}
