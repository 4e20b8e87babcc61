package main

import (
	"bufio"
	"context"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	livev1 "facet/api/live/v1"
	mallv1 "facet/api/mall/v1"
)

// The streams of a room.
const (
	watchStock    = "live.v1.LiveService/WatchStock"
	watchPrice    = "live.v1.LiveService/WatchPrice"
	watchComments = "live.v1.LiveService/WatchComments"
)

var shown = regexp.MustCompile("(?m)^curl -N 'localhost:8000(.*)'\n```\n\n```\n((?s:.*?))```")

// TestStreamsPage does what docs/streams.md says, and waits for the lines that it shows.
func TestStreamsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/streams.md")
	if err != nil {
		t.Fatal(err)
	}
	m := startMall(t)
	commands := shown.FindAllStringSubmatch(string(page), -1)
	if n := strings.Count(string(page), "\ncurl "); len(commands) != n {
		t.Fatalf("%d of %d commands of the page were understood", len(commands), n)
	}
	for _, command := range commands {
		missing := map[string]bool{}
		for line := range strings.Lines(command[2]) {
			missing[strings.TrimSpace(line)] = true
		}
		seen := 0
		m.watch(t, command[1], func(line string) bool {
			delete(missing, line)
			seen++
			return len(missing) > 0 && seen < 1000
		})
		for line := range missing {
			t.Errorf("%s: not among %d lines: %s", command[1], seen, line)
		}
	}
}

// watch reads the lines of a stream as long as it is told to go on.
func (m *mall) watch(t *testing.T, path string, more func(line string) bool) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.http+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	lines := bufio.NewScanner(reply.Body)
	for lines.Scan() && more(lines.Text()) {
	}
	if err := lines.Err(); err != nil {
		t.Error(err)
	}
}

// A stream that is not selected is not opened, over HTTP and over gRPC.
func TestOnlySelectedStreamsAreOpened(t *testing.T) {
	m := startMall(t)
	for selection, opened := range map[string][]string{
		"stock":                       {watchStock},
		"comment.text":                {watchComments},
		"stock.stock,price.productId": {watchPrice, watchStock},
		"*":                           {watchComments, watchPrice, watchStock},
	} {
		calls := func() (called []string) {
			for _, method := range []string{watchComments, watchPrice, watchStock} {
				if m.Calls(method) > 0 {
					called = append(called, method)
				}
			}
			return called
		}
		m.Forget()
		kinds := map[string]bool{}
		m.watch(t, "/v1/rooms/r-1/events?select="+selection, func(line string) bool {
			kinds[regexp.MustCompile(`stock|price|comment`).FindString(line)] = true
			return len(kinds) < len(opened)
		})
		if got := calls(); !slices.Equal(got, opened) {
			t.Errorf("select=%s: opened %v, want %v; the client saw %v", selection, got, opened, slices.Sorted(maps.Keys(kinds)))
		}

		m.Forget()
		ctx, leave := context.WithCancel(metadata.AppendToOutgoingContext(t.Context(), "x-select", selection))
		events := m.room(ctx, t, "r-1")
		kinds = map[string]bool{}
		for len(kinds) < len(opened) {
			event, err := events.Recv()
			if err != nil {
				t.Fatal(err)
			}
			kinds[string(event.ProtoReflect().WhichOneof(event.ProtoReflect().Descriptor().Oneofs().Get(0)).Name())] = true
		}
		leave()
		if got := calls(); !slices.Equal(got, opened) {
			t.Errorf("x-select: %s: opened %v, want %v; the client saw %v", selection, got, opened, slices.Sorted(maps.Keys(kinds)))
		}
	}
}

type events interface {
	Recv() (*mallv1.RoomEvent, error)
}

func (m *mall) room(ctx context.Context, t *testing.T, id string) events {
	t.Helper()
	stream, err := mallv1.NewMallServiceClient(dial(t, m.grpc)).WatchRoom(ctx, &mallv1.WatchRoomRequest{RoomId: id})
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// What each stream of a room says is what its service says, in its order.
func TestRoomIsItsThreeStreams(t *testing.T) {
	m := startMall(t)
	const count = 100
	stock, err := livev1.NewLiveServiceClient(dial(t, m.Addresses().Live)).WatchStock(t.Context(), &livev1.WatchStockRequest{RoomId: "r-1"})
	if err != nil {
		t.Fatal(err)
	}
	comments := 0
	stocks := 0
	room := m.room(t.Context(), t, "r-1")
	for stocks < count || comments < count {
		event, err := room.Recv()
		if err != nil {
			t.Fatal(err)
		}
		switch event := event.GetEvent().(type) {
		case *mallv1.RoomEvent_Stock:
			want, err := stock.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if event.Stock.GetProductId() != want.GetProductId() || event.Stock.GetStock() != want.GetStock() {
				t.Fatalf("stock %d: got %v, want %v", stocks, event.Stock, want)
			}
			stocks++
		case *mallv1.RoomEvent_Comment:
			comments++
		case *mallv1.RoomEvent_Price:
		default:
			t.Fatalf("an event of nothing: %v", event)
		}
	}
}

// A gateway that stops tells those who watch, over every protocol, and does not wait for them to leave.
func TestStopEndsStreams(t *testing.T) {
	m := startMall(t)
	room := m.room(t.Context(), t, "r-1")
	if _, err := room.Recv(); err != nil {
		t.Fatal(err)
	}
	ended, stopped := make(chan error, 1), make(chan error, 1)
	go func() {
		for {
			if _, err := room.Recv(); err != nil {
				ended <- err
				return
			}
		}
	}()
	last := ""
	m.watch(t, "/v1/rooms/r-1/events", func(line string) bool {
		if last == "" {
			go func() { stopped <- m.stop() }()
		}
		last = line
		return true
	})
	if !strings.Contains(last, `{"error":`) || !strings.Contains(last, "STREAM_SHUTDOWN") {
		t.Errorf("over HTTP the last line is %s", last)
	}
	if err := <-ended; status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "shuts down") {
		t.Errorf("over gRPC: got %v", err)
	}
	if err := <-stopped; err != nil {
		t.Errorf("the gateway did not stop cleanly: %v", err)
	}
}

func TestStreamErrors(t *testing.T) {
	m := startMall(t)
	if _, err := m.room(t.Context(), t, "none").Recv(); status.Code(err) != codes.NotFound || len(status.Convert(err).Details()) == 0 {
		t.Errorf("got %v, want NOT_FOUND with its details", err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-select", "stok")
	if _, err := m.room(ctx, t, "r-1").Recv(); status.Code(err) != codes.InvalidArgument || !strings.Contains(err.Error(), `did you mean "stock"`) {
		t.Errorf("got %v", err)
	}
	room := m.room(t.Context(), t, "r-1")
	if _, err := room.Recv(); err != nil {
		t.Fatal(err)
	}
	m.Stop()
	for {
		_, err := room.Recv()
		if err == nil {
			continue
		}
		if status.Code(err) != codes.Unavailable {
			t.Errorf("after its services have gone: got %v, want UNAVAILABLE", err)
		}
		return
	}
}
