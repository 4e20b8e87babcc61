package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"google.golang.org/protobuf/reflect/protoreflect"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/suggest"
)

// Names that expressions know besides the calls.
const (
	requestName = "request"
	eachName    = "each"
)

const (
	defaultConcurrency = 8
	// maxElements bounds the calls that one for_each makes.
	maxElements = 1000
)

// call is one downstream call of a plan, compiled.
type call struct {
	index  int
	name   string
	config *gatewayv1.Call
	rpc    protoreflect.MethodDescriptor
	method string // `/user.v1.UserService/GetUser`
	// streams: the rpc replies with a stream.
	streams bool

	when     reader // nil: always
	request  writer // without ids
	ids      *idList
	forEach  *forEach
	fallback writer
	key      *joinKey

	after []int // the calls that its expressions refer to
	needs []int // those without whose reply it is skipped
}

// joinKey makes a map of a reply: the elements of a repeated field by a scalar in them.
type joinKey struct {
	list    []step // to the repeated field
	element protoreflect.MessageDescriptor
	key     path // from the element
}

// idList is the field of a keyed call's request that lists what to look for.
type idList struct {
	fd     protoreflect.FieldDescriptor
	writer writer
}

// forEach lists what a call is made for, one call for each element.
type forEach struct {
	expr   *expression
	local  int // where the request finds the element
	kind   protoreflect.Kind
	writer writer // writes the elements as fields with the number 1
}

// mapped tells whether expressions see the replies as a map.
func (c *call) mapped() bool { return c.config.GetKey() != "" || c.config.GetForEach() != "" }

// element is the type of the messages in the map.
func (c *call) element() protoreflect.MessageDescriptor {
	if c.key != nil {
		return c.key.element
	}
	return c.rpc.Output()
}

// keyClass is what the keys of the map are.
func (c *call) keyClass() class {
	if c.key != nil {
		return c.key.key.scalar()
	}
	return classOf(c.forEach.kind)
}

// celType is the type of the call's variable.
func (c *call) celType() *cel.Type {
	if !c.mapped() {
		return celMessageType(c.rpc.Output())
	}
	return cel.MapType(celTypeOfClass(c.keyClass()), celMessageType(c.element()))
}

func celTypeOfClass(c class) *cel.Type {
	switch c {
	case classBool:
		return cel.BoolType
	case classInt:
		return cel.IntType
	case classUint:
		return cel.UintType
	default:
		return cel.StringType
	}
}

// demand records that the map is built.
func (k *joinKey) demand(w *want) { w.at(k.list).at(k.key.steps).take(nil) }

// concurrency is how many requests of the call are in flight at once.
func (c *call) concurrency() int {
	if n := int(c.config.GetConcurrency()); n > 0 {
		return n
	}
	return defaultConcurrency
}

// resolve finds the rpc of a call and who serves it. ok is false if it had problems.
func (c *compiler) resolve(call *call) bool {
	at := placeOf("calls", call.name)
	before := len(c.problems)
	c.checkName(call.name, at)
	call.rpc = c.rpc(call.config.GetRpc(), at.at("rpc"))
	if call.rpc == nil {
		return false
	}
	call.method = fmt.Sprintf("/%s/%s", call.rpc.Parent().FullName(), call.rpc.Name())
	call.streams = call.rpc.IsStreamingServer()
	c.findUpstream(call, at.at("rpc"))
	if call.config.GetKey() != "" {
		call.key = c.joinKey(call, at.at("key"))
	}
	c.checkOptions(call, at)
	return len(c.problems) == before
}

// checkName makes sure that expressions can refer to a call.
func (c *compiler) checkName(name string, at place) {
	switch {
	case !isIdentifier(name):
		c.problem(c.site(at), "expressions cannot refer to a call of this name; use letters, digits and underscores")
	case !usableName(name):
		c.problem(c.site(at), "%q has a meaning of its own in expressions; choose another name", name)
	}
}

// usableName tells whether a variable of expressions can have a name.
func usableName(name string) bool {
	return isIdentifier(name) && name != requestName && name != eachName && !slices.Contains(reserved, name)
}

// rpc finds a downstream method that takes one request.
func (c *compiler) rpc(name string, at place) protoreflect.MethodDescriptor {
	serviceName, methodName, ok := strings.Cut(name, "/")
	if !ok {
		c.problem(c.site(at), "%q is not the full name of a method, as user.v1.UserService/GetUser is", name)
		return nil
	}
	d, err := c.spec.Types.files.FindDescriptorByName(protoreflect.FullName(serviceName))
	service, ok := d.(protoreflect.ServiceDescriptor)
	if err != nil || !ok {
		c.problem(c.site(at), "unknown service %q%s", serviceName, suggest.DidYouMean(serviceName, c.services()))
		return nil
	}
	rpc := service.Methods().ByName(protoreflect.Name(methodName))
	switch {
	case rpc == nil:
		c.problem(c.site(at), "service %s has no method %q%s", serviceName, methodName, suggest.DidYouMean(methodName, methodNames(service)))
		return nil
	case rpc.IsStreamingClient():
		c.problem(c.site(at), "%s takes a stream of requests; a plan calls methods that take one", name)
		return nil
	case rpc.IsStreamingServer() && !c.plan.streams:
		c.problem(c.site(at), "%s replies with a stream; only a method that does so, too, can call it, and %s replies once", name, c.plan.name)
		return nil
	}
	return rpc
}

func (c *compiler) services() []string {
	var names []string
	c.spec.Types.files.RangeFiles(func(fd protoreflect.FileDescriptor) bool {
		for i := range fd.Services().Len() {
			names = append(names, string(fd.Services().Get(i).FullName()))
		}
		return true
	})
	slices.Sort(names)
	return names
}

func methodNames(service protoreflect.ServiceDescriptor) []string {
	names := make([]string, service.Methods().Len())
	for i := range names {
		names[i] = string(service.Methods().Get(i).Name())
	}
	return names
}

func (c *compiler) findUpstream(call *call, at place) {
	service := call.rpc.Parent().FullName()
	upstream, ok := c.spec.Caller(service)
	if !ok {
		c.problem(c.site(at), "no upstream serves %s; add it to the `services` of one", service)
		return
	}
	c.plan.upstreams[service] = upstream
}

// timeout is the deadline of the call at an upstream, from its start; 0 is that of the method. A stream has none.
func (c *call) timeout(at Upstream) time.Duration {
	if c.streams {
		return 0
	}
	if own := c.config.GetTimeout().AsDuration(); own > 0 {
		return own
	}
	return at.Config.GetTimeout().AsDuration()
}

// checkOptions refuses options that have no meaning together.
func (c *compiler) checkOptions(call *call, at place) {
	config := call.config
	switch {
	case config.GetKey() != "" && config.GetForEach() != "":
		c.problem(c.site(at.at("for_each")), "a call is made for_each element or is keyed by a field of its reply, not both")
	case config.GetBatch() > 0 && config.GetKey() == "":
		c.problem(c.site(at.at("batch")), "only a call with a key can be sent in batches")
	case config.GetFallback() != nil && config.GetForEach() != "":
		c.problem(c.site(at.at("fallback")), "a for_each call has no fallback: an element that fails is missing from its map")
	}
	if call.streams {
		c.checkStreamOptions(call, at)
	}
}

// joinKey resolves `products.id`: selects to a repeated message field of the reply, then to a scalar in its elements.
func (c *compiler) joinKey(call *call, at place) *joinKey {
	key := &joinKey{key: path{root: rootLocal}}
	site := c.site(at)
	md := call.rpc.Output()
	for name := range strings.SplitSeq(call.config.GetKey(), ".") {
		if md == nil {
			c.problem(site, "there is nothing inside a scalar: %q", name)
			return nil
		}
		fd := md.Fields().ByName(protoreflect.Name(name))
		if fd == nil {
			c.problem(site, "%s", c.noField(string(md.FullName()), name))
			return nil
		}
		md = fd.Message()
		switch {
		case key.element != nil && fd.Cardinality() == protoreflect.Repeated:
			c.problem(site, "%s is repeated; a key is one value", fd.FullName())
			return nil
		case key.element != nil:
			key.key = *key.key.selecting(fd)
		default:
			key.list = append(key.list, newStep(fd))
			if fd.IsList() && md != nil {
				key.element, key.key.start = md, md
			}
		}
	}
	if key.element == nil || !mapKeyClass(key.key.scalar()) || md != nil {
		c.problem(site, "a key is a repeated message field of the reply and a string, integer or boolean in its elements, as products.id is")
		return nil
	}
	return key
}

// mapKeyClass tells whether maps of expressions have keys of a class.
func mapKeyClass(c class) bool {
	return c == classBool || c == classInt || c == classUint || c == classString
}
