package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"facet/bench/internal/load"
	"facet/bench/internal/report"
)

// workload is one comparison: its variants are measured in turn, the first is what the others are compared with.
type workload struct {
	name, title, about string
	// rate is that of an open loop, in requests per second; 0 is a closed loop.
	rate int
	// backend are flags of the services.
	backend []string
	// rounds and round differ from the settings of the run where they are not 0.
	rounds int
	round  time.Duration
	chart  bool
	// streams is how many streams are open at once, for workloads whose messages are measured; 0 for those of requests.
	streams int
	// long is left out of quick runs.
	long bool
	// variants are what is compared.
	variants []variant
}

// variant is a gateway and what it is asked for. Each has a process of its own.
type variant struct {
	// name is that of the peer where it is empty.
	name string
	peer string
	// flags are those of the peer's program; sizeFlag among them is the size of the first variant's reply.
	flags []string
	// path is asked for over HTTP. {user} in it is a user.
	path string
	// query is a file of the peer's directory with a request, in place of a path; bytes is its variable of that name, where it
	// is not 0.
	query string
	bytes int
	// grpc is a method that is called with a user's id, in place of a path, and web one that is called so over gRPC-Web.
	grpc, web string
	// users is how many users are asked for in turn: 1 where it is 0.
	users int
	// methods is how many methods Facet has loaded; 0 are those of its documents alone.
	methods int
	// reload changes Facet's documents every second.
	reload bool
	// short makes its rounds half as long, so that those who are slow do not take the time of all.
	short bool
}

// title returns the name of the variant.
func (v variant) title() string {
	if v.name != "" {
		return v.name
	}
	return v.peer
}

// sizeFlag stands for a size that is known when the first variant has been asked.
const sizeFlag = "{size}"

const (
	ordersPath   = "/v1/users/{user}/orders"
	screenPath   = "/v1/users/{user}/screen"
	selectedPath = screenPath + "?select=user(id,name,avatar),orders(id,state,product_id),notices(id,title)"
	cardsPath    = "/v1/users/{user}/cards"
	listOrders   = "/bench.v1.Bench/ListOrders"
	roomPath     = "/v1/rooms/r-1/events"
	quietPath    = "/v1/rooms/quiet/events"
)

// moderate is a rate that the slowest gateway written in Go sustains with ease, in requests per second.
const moderate = 600

// workloads returns everything that is measured.
func workloads() []workload {
	list := []workload{
		{
			name: "one-call", title: "One call", chart: true,
			about: "A page of orders, passed through from one service.",
			variants: []variant{
				{peer: "facet", path: ordersPath},
				{peer: "floor", path: ordersPath, flags: []string{"-calls", "1", "-size", sizeFlag}},
				{peer: "handtuned", path: ordersPath},
				{peer: "kratos", path: ordersPath},
				{peer: "grpcgateway", path: ordersPath},
				{peer: "vanguard", path: ordersPath},
				{peer: "lura", path: ordersPath},
				{peer: "tailcall", query: "one.json", short: true},
				{peer: "hive", query: "one.json", short: true},
			},
		},
		{
			name: "three-calls-full", title: "Three parallel calls, full reply", chart: true,
			about:    "A user, their orders and their notices, merged.",
			variants: screens(screenPath, screenPath, "screen-full.json"),
		},
		{
			name: "three-calls-selected", title: "Three parallel calls, selected fields", chart: true,
			about: "The same reply with eight of its fields. Kratos' codec writes the others too, as zeros and nulls; lura selects by configuration, " +
				"and not inside of lists.",
			variants: screens(selectedPath, "/v1/users/{user}/brief", "screen-selected.json"),
		},
		{
			name: "join", title: "A dependent join", chart: true,
			about: "Orders, and then the products in them: one batch, where the gateway can make one.",
			variants: []variant{
				{peer: "facet", path: cardsPath},
				{peer: "handtuned", path: cardsPath},
				{peer: "kratos", path: cardsPath},
				{peer: "tailcall", query: "join.json", short: true},
				{peer: "hive", query: "join.json", short: true},
			},
		},
		{
			name: "hot-key", title: "A hot key", long: true,
			about: "The selected reply, asked for one user by all clients, and for 200 users in turn.",
			variants: []variant{
				{name: "facet, one user", peer: "facet", path: selectedPath},
				{name: "facet, 200 users", peer: "facet", path: selectedPath, users: 200},
				{name: "kratos, one user", peer: "kratos", path: selectedPath},
				{name: "kratos, 200 users", peer: "kratos", path: selectedPath, users: 200},
			},
		},
		{
			name: "grpc-unary", title: "gRPC in, one call",
			about: "The page of orders over gRPC. The last row is the service itself, asked without a gateway: the CPU time is its own.",
			variants: []variant{
				{peer: "facet", grpc: listOrders},
				{peer: "floor", grpc: listOrders, flags: []string{"-grpc", "-calls", "1", "-size", sizeFlag}},
				{peer: "handtuned", grpc: listOrders, flags: []string{"-grpc"}},
				{peer: "kratos", grpc: listOrders, flags: []string{"-grpc"}},
				{name: "no gateway", peer: "backend", grpc: listOrders},
			},
		},
		{
			name: "grpc-web", title: "gRPC-Web in, one call",
			about: "The page of orders over gRPC-Web: HTTP/1.1, binary. improbable's wrapper is around a server of grpc-go that passes the wire bytes on; " +
				"the floor answers as many bytes, without frames.",
			variants: []variant{
				{peer: "facet", web: listOrders},
				{peer: "floor", web: listOrders, flags: []string{"-calls", "1", "-size", sizeFlag}},
				{peer: "improbable", web: listOrders},
			},
		},
		{
			name: "fan-out", title: "A room's events to all who watch it", streams: 500, rounds: 5, round: 2 * time.Second,
			about: "10 events a second of about 200 bytes, passed through to each stream as lines of JSON, each flushed. Both gateways open a stream of the " +
				"service for each stream of a client. A message that is lost would fail the gateway.",
			variants: []variant{
				{peer: "facet", path: roomPath},
				{peer: "handtuned", path: roomPath},
			},
		},
		{
			name: "methods", title: "Methods loaded", rounds: 15,
			about: "The same selected reply of three calls, while 10, 1,000 or 10,000 methods are loaded, each with a path and a plan of its own.",
			variants: []variant{
				{name: "facet, 10 methods", peer: "facet", path: generatedPath, methods: 10},
				{name: "facet, 1,000 methods", peer: "facet", path: generatedPath, methods: 1000},
				{name: "facet, 10,000 methods", peer: "facet", path: generatedPath, methods: 10_000},
			},
		},
		{
			name: "latency-selected", title: "Latency, selected fields", rate: moderate, round: 2 * time.Second,
			about: "Three parallel calls at a moderate load.",
			variants: []variant{
				{peer: "facet", path: selectedPath},
				{peer: "floor", path: selectedPath, flags: []string{"-calls", "3", "-size", sizeFlag}, short: true},
				{peer: "handtuned", path: selectedPath, short: true},
				{peer: "kratos", path: selectedPath},
				{peer: "lura", path: "/v1/users/{user}/brief", short: true},
			},
		},
		{
			name: "latency-full", title: "Latency, full reply", long: true, rate: moderate, round: 2 * time.Second,
			about: "Three parallel calls at a moderate load.",
			variants: []variant{
				{peer: "facet", path: screenPath},
				{peer: "floor", path: screenPath, flags: []string{"-calls", "3", "-size", sizeFlag}, short: true},
				{peer: "kratos", path: screenPath},
			},
		},
		{
			name: "latency-slow", title: "Latency, slow services", rate: moderate, round: 2 * time.Second, rounds: 5, long: true,
			about:   "The selected reply from services that take 5 ms, and up to 5 ms more at random.",
			backend: []string{"-latency", "5ms", "-jitter", "5ms"},
			variants: []variant{
				{peer: "facet", path: selectedPath},
				{peer: "floor", path: selectedPath, flags: []string{"-calls", "3", "-size", sizeFlag}},
				{peer: "kratos", path: selectedPath},
			},
		},
		{
			name: "reload", title: "A reload every second", long: true, rate: moderate, round: 4 * time.Second, rounds: 5,
			about: "The selected reply, while the documents stay as they are, and while one of them changes every second. 100 methods are loaded.",
			variants: []variant{
				{name: "facet", peer: "facet", path: generatedPath, methods: 100},
				{name: "facet, reloading", peer: "facet", path: generatedPath, methods: 100, reload: true},
			},
		},
	}
	for _, size := range []int{1_000, 10_000, 100_000, 1_000_000} {
		list = append(list, page(size))
	}
	return list
}

// screens returns the variants of the screen: where it is asked for, where lura is, and the file of the GraphQL query.
func screens(path, lura, query string) []variant {
	return []variant{
		{peer: "facet", path: path},
		{peer: "floor", path: path, flags: []string{"-calls", "3", "-size", sizeFlag}},
		{peer: "handtuned", path: path},
		{peer: "kratos", path: path},
		{peer: "lura", path: lura},
		{peer: "tailcall", query: query, short: true},
		{peer: "hive", query: query, short: true},
	}
}

// page returns the workload of a reply of about so many bytes.
func page(size int) workload {
	path := fmt.Sprintf("/v1/pages/%d", size)
	return workload{
		name: fmt.Sprintf("page-%d", size), title: fmt.Sprintf("A reply of about %d KB", size/1000), rounds: 5, long: size != 100_000,
		about: "A page of products, passed through from one service.",
		variants: []variant{
			{peer: "facet", path: path},
			{peer: "floor", path: path, flags: []string{"-calls", "1", "-page", strconv.Itoa(size), "-size", sizeFlag}},
			{peer: "handtuned", path: path},
			{peer: "kratos", path: path},
			{peer: "grpcgateway", path: path, short: true},
			{peer: "tailcall", query: "page.json", bytes: size, short: true},
		},
	}
}

// goals returns what the figures have to show.
func goals() []report.Goal {
	const full, selected = "three-calls-full", "three-calls-selected"
	return []report.Goal{
		{Workload: selected, Ours: "facet", Theirs: "kratos", Metric: report.CPU, AtMost: 1 / 3.0, Title: "CPU, three calls selected, Facet / Kratos by hand"},
		{Workload: full, Ours: "facet", Theirs: "kratos", Metric: report.CPU, AtMost: 1 / 4.0, Title: "CPU, three calls full, Facet / Kratos by hand"},
		{Workload: selected, Ours: "facet", Theirs: "handtuned", Metric: report.CPU, AtMost: 1 / 1.7, Title: "CPU, three calls selected, Facet / tuned by hand"},
		{Workload: full, Ours: "facet", Theirs: "lura", Metric: report.CPU, AtMost: 1 / 4.5, Title: "CPU, three calls full, Facet / lura"},
		{Workload: selected, Ours: "facet", Theirs: "lura", Metric: report.CPU, AtMost: 1 / 4.5, Title: "CPU, three calls selected, Facet / lura"},
		{Workload: "one-call", Ours: "facet", Theirs: "grpcgateway", Metric: report.CPU, AtMost: 1 / 3.5, Title: "CPU, one call, Facet / grpc-gateway"},
		{Workload: "one-call", Ours: "facet", Theirs: "vanguard", Metric: report.CPU, AtMost: 1 / 3.8, Title: "CPU, one call, Facet / vanguard"},
		{Workload: selected, Ours: "facet", Theirs: "floor", Metric: report.CPU, AtMost: 1.2, Title: "CPU, three calls selected, Facet / floor"},
		{Workload: full, Ours: "facet", Theirs: "floor", Metric: report.CPU, AtMost: 1.35, Title: "CPU, three calls full, Facet / floor"},
		{Workload: "latency-selected", Ours: "facet", Theirs: "kratos", Metric: report.P99, AtMost: 0.5, Title: "p99, three calls selected, Facet / Kratos by hand"},
		{Workload: "latency-full", Ours: "facet", Theirs: "kratos", Metric: report.P99, AtMost: 0.5, Title: "p99, three calls full, Facet / Kratos by hand"},
		{Workload: "methods", Ours: "facet, 10,000 methods", Theirs: "facet, 10 methods", Metric: report.CPU, AtMost: 1.05, Title: "CPU, 10,000 methods loaded / 10"},
	}
}

// checked are the workloads and peers whose ratios must not worsen.
var checked = struct {
	workloads, peers []string
}{[]string{"three-calls-full", "three-calls-selected"}, []string{"floor", "kratos"}}

// notMeasured says what the report leaves out.
func notMeasured() []string {
	return []string{
		"Telemetry and the guard: Facet has none yet, so these figures are without them, and so are those of the peers.",
		"TLS: neither side uses it.",
	}
}

// requests returns what a variant is asked for, in turn.
func (v variant) requests() []load.Request {
	requests := make([]load.Request, max(v.users, 1))
	for i := range requests {
		user := strconv.Itoa(42 + i)
		switch {
		case v.grpc != "":
			requests[i] = load.Request{Path: v.grpc, Body: userRequest(user)}
		case v.web != "":
			requests[i] = webRequest(v.web, userRequest(user))
		default:
			requests[i] = load.Request{Path: strings.ReplaceAll(v.path, "{user}", user)}
		}
	}
	return requests
}

// userRequest encodes a request whose first field is a user's id.
func userRequest(id string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), id)
}
