package app_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"facet/api"
	gatewayv1 "facet/api/facet/gateway/v1"
	noticev1 "facet/api/notice/v1"
	orderv1 "facet/api/order/v1"
	userv1 "facet/api/user/v1"
	"facet/examples/mall/backend"
	"facet/internal/app"
	"facet/internal/conf"
	"facet/internal/server"
	"facet/internal/source"
	"facet/internal/upstream"
)

// The cost of a request is the CPU time that the gateway's process takes for it, as a ratio to a floor in the
// same run: the same HTTP server, the same three calls through the same upstreams, and a constant reply. Each has a
// process of its own, and so do the services and the load.
//
//	go test ./internal/app -run '^$' -bench Cost -benchtime 1x

// roleVariable makes the test binary one of the processes of the benchmark.
const roleVariable = "FACET_COST_ROLE"

func TestMain(m *testing.M) {
	role := os.Getenv(roleVariable)
	if role == "" {
		os.Exit(m.Run())
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := play(ctx, role, os.Args[len(os.Args)-1])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		os.Exit(1)
	}
}

// play serves in one role until its standard input ends. It prints where it listens, and then, for each line it reads,
// what it has used so far.
func play(ctx context.Context, role, argument string) (err error) {
	address := ""
	switch role {
	case "services":
		mall, startErr := backend.Start(backend.Options{})
		if startErr != nil {
			return startErr
		}
		defer mall.Stop()
		at := mall.Addresses()
		address = strings.Join([]string{at.User, at.Order, at.Notice}, ",")
	case "facet":
		address, err = playFacet(ctx, strings.Split(argument, ","))
	default:
		address, err = playFloor(strings.Split(argument, ","))
	}
	if err != nil {
		return err
	}
	fmt.Println(address)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			return err
		}
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		fmt.Println(usage.Utime.Nano()+usage.Stime.Nano(), memory.Mallocs)
	}
	return nil
}

const upstreamsYAML = `
upstreams:
  user: {target: "static:///%s", services: [user.v1.UserService]}
  order: {target: "static:///%s", services: [order.v1.OrderService]}
  notice: {target: "static:///%s", services: [notice.v1.NoticeService]}
`

func playFacet(ctx context.Context, targets []string) (string, error) {
	dir, err := os.MkdirTemp("", "facet-cost-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	text := fmt.Sprintf(upstreamsYAML, targets[0], targets[1], targets[2])
	if err := os.WriteFile(dir+"/upstreams.yaml", []byte(text), 0o600); err != nil {
		return "", err
	}
	own, err := fs.Sub(os.DirFS("."), "testdata/cost")
	if err != nil {
		return "", err
	}
	bootstrap := conf.Default()
	bootstrap.Server.Http.Addr, bootstrap.Server.Grpc.Addr, bootstrap.Server.Admin.Addr = "127.0.0.1:0", "127.0.0.1:0", "127.0.0.1:0"
	gateway, err := app.New(ctx, app.Options{
		Bootstrap: bootstrap, Source: source.NewFS(own, os.DirFS(dir), api.Mall), Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return "", err
	}
	address, _, _ := gateway.Addresses()
	go func() { _ = gateway.Run() }()
	return address, nil
}

// rawCall is one call of the floor: constant request, reply thrown away.
type rawCall struct {
	upstream *upstream.Upstream
	method   string
	request  []byte
}

// playFloor answers with a constant reply, whose size follows the targets.
func playFloor(targets []string) (string, error) {
	size, err := strconv.Atoi(targets[3])
	if err != nil {
		return "", err
	}
	pool := upstream.NewPool()
	var calls []rawCall
	for i, c := range []struct {
		method  string
		request proto.Message
	}{
		{"/user.v1.UserService/GetUser", &userv1.GetUserRequest{Id: "42"}},
		{"/order.v1.OrderService/ListOrders", &orderv1.ListOrdersRequest{UserId: "42", PageSize: 20}},
		{"/notice.v1.NoticeService/ListNotices", &noticev1.ListNoticesRequest{UserId: "42", PageSize: 10}},
	} {
		u, err := pool.Open(c.method, &gatewayv1.Upstream{Target: "static:///" + targets[i]})
		if err != nil {
			return "", err
		}
		request, err := proto.Marshal(c.request)
		if err != nil {
			return "", err
		}
		calls = append(calls, rawCall{u, c.method, request})
	}
	reply := []byte(strings.Repeat("x", size))
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
		defer cancel()
		var running sync.WaitGroup
		for _, c := range calls {
			running.Go(func() {
				reply, err := c.upstream.Call(ctx, c.method, c.request)
				if err == nil {
					reply.Free()
				}
			})
		}
		running.Wait()
		w.Header()["Content-Type"] = []string{"application/json"}
		w.Header()["Content-Length"] = []string{fmt.Sprint(len(reply))}
		_, _ = w.Write(reply)
	})
	s := server.NewHandler(server.Settings{Addr: "127.0.0.1:0"}, handler)
	at, err := s.Endpoint()
	if err != nil {
		return "", err
	}
	go func() { _ = s.Start(context.Background()) }()
	return at.Host, nil
}

// process is a role at work.
type process struct {
	address string
	in      io.Writer
	out     *bufio.Reader
}

func start(b *testing.B, role, argument string) *process {
	b.Helper()
	cmd := exec.Command(os.Args[0], argument)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	p := &process{in: in, out: bufio.NewReader(out)}
	if p.address, err = p.out.ReadString('\n'); err != nil {
		b.Fatalf("%s did not start: %v", role, err)
	}
	p.address = strings.TrimSpace(p.address)
	return p
}

// used returns the CPU time and the allocations of the process so far.
func (p *process) used(b *testing.B) (cpu, mallocs float64) {
	b.Helper()
	fmt.Fprintln(p.in)
	line, err := p.out.ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	if _, err := fmt.Sscan(line, &cpu, &mallocs); err != nil {
		b.Fatal(err)
	}
	return cpu, mallocs
}

// sizeOf returns the size of a reply.
func sizeOf(b *testing.B, url string) int {
	b.Helper()
	reply, err := http.Get(url)
	if err != nil {
		b.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s %s %v", url, reply.Status, body, err)
	}
	return len(body)
}

// load sends requests over eight connections, each as fast as it is answered.
func load(b *testing.B, url string, requests int) {
	b.Helper()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range requests / 8 {
				reply, err := client.Get(url)
				if err != nil {
					b.Error(err)
					return
				}
				if _, err := io.Copy(io.Discard, reply.Body); err != nil || reply.StatusCode != http.StatusOK {
					b.Error(reply.Status, err)
					return
				}
				_ = reply.Body.Close()
			}
		})
	}
	running.Wait()
}

// variant is what is compared: a process and what it is asked for.
type variant struct {
	name         string
	process      *process
	url          string
	cpu, mallocs []float64 // per request, by round
}

func BenchmarkCost(b *testing.B) {
	services := start(b, "services", "")
	facet := start(b, "facet", services.address)
	const selection = "?select=user(id,name,avatar),orders(id,state,product_id,note),notices(id,title)"
	full, selected := "http://"+facet.address+"/screen/42", "http://"+facet.address+"/screen/42"+selection
	floor := func(like string) *process {
		size := sizeOf(b, like)
		b.Logf("%s: %d bytes", like, size)
		return start(b, "floor", services.address+","+strconv.Itoa(size))
	}
	floorFull, floorSelected := floor(full), floor(selected)
	variants := []*variant{
		{name: "full", process: facet, url: full},
		{name: "full-floor", process: floorFull, url: "http://" + floorFull.address + "/"},
		{name: "selected", process: facet, url: selected},
		{name: "selected-floor", process: floorSelected, url: "http://" + floorSelected.address + "/"},
	}
	const rounds, requests = 8, 2000
	for _, v := range variants {
		load(b, v.url, requests) // warm up
	}
	for b.Loop() {
		for range rounds {
			for _, v := range variants {
				cpu, mallocs := v.process.used(b)
				load(b, v.url, requests)
				cpuAfter, mallocsAfter := v.process.used(b)
				v.cpu = append(v.cpu, (cpuAfter-cpu)/requests)
				v.mallocs = append(v.mallocs, (mallocsAfter-mallocs)/requests)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
	for i := 0; i < len(variants); i += 2 {
		own, floor := variants[i], variants[i+1]
		ratios := make([]float64, len(own.cpu))
		for round := range ratios {
			ratios[round] = own.cpu[round] / floor.cpu[round]
		}
		b.ReportMetric(median(ratios), own.name+"-x-floor")
		b.ReportMetric(median(own.cpu)/1000, own.name+"-µs")
		b.ReportMetric(median(own.mallocs)-median(floor.mallocs), own.name+"-allocs-over-floor")
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
