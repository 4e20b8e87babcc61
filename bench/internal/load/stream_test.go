package load_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"facet/bench/internal/load"
)

// writer writes the lines of a stream, each at once.
type writer struct {
	http.ResponseWriter
}

func (w writer) line(text string) {
	fmt.Fprintln(w, text)
	_ = http.NewResponseController(w.ResponseWriter).Flush() // it fails when the client has left
}

func (w writer) event(sequence int) {
	w.line(fmt.Sprintf(`{"result":{"sequence": %d,"text":"x"}}`, sequence))
}

// streaming returns a server whose streams go on as their path says.
func streaming(t *testing.T) *httptest.Server {
	t.Helper()
	pace := func(r *http.Request) bool {
		select {
		case <-r.Context().Done():
			return false
		case <-time.After(2 * time.Millisecond):
			return true
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/good", func(w http.ResponseWriter, r *http.Request) {
		for i := 7; pace(r); i++ {
			writer{w}.event(i)
			writer{w}.line("") // a heartbeat
		}
	})
	mux.HandleFunc("/gap", func(w http.ResponseWriter, r *http.Request) {
		for i := 1; pace(r); i += 3 {
			writer{w}.event(i)
		}
	})
	mux.HandleFunc("/end", func(w http.ResponseWriter, _ *http.Request) {
		writer{w}.event(1)
	})
	mux.HandleFunc("/error", func(w http.ResponseWriter, _ *http.Request) {
		writer{w}.event(1)
		writer{w}.line(`{"error":{"code":503}}`)
	})
	mux.HandleFunc("/whole", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"sequence":1}`) })
	server := httptest.NewServer(mux)
	closeAll(t, server)
	return server
}

// closeAll closes a server at the end of the test, with the streams that are open: closing it alone would wait for them.
func closeAll(t *testing.T, server *httptest.Server) {
	t.Helper()
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
}

func lines(server *httptest.Server, connections int, path string) load.Target {
	streams := target(server, connections, path)
	streams.Protocol = load.Lines
	return streams
}

func TestStreams(t *testing.T) {
	t.Parallel()
	generator := start(t)
	first, err := generator.Connect(lines(streaming(t), 3, "/good"))
	if want := `{"result":{"sequence": 7,"text":"x"}}` + "\n"; err != nil || string(first) != want {
		t.Fatalf("first line %q, %v; want %q", first, err, want)
	}
	for range 2 {
		result, err := generator.Run(0, 100*time.Millisecond)
		if err != nil || result.Requests == 0 || result.Elapsed < 100*time.Millisecond {
			t.Errorf("%+v, %v", result, err)
		}
	}
	if _, err := generator.Run(100, time.Millisecond); err == nil {
		t.Error("streams have no rate of their own, but one is taken")
	}
}

func TestStreamsThatFail(t *testing.T) {
	t.Parallel()
	server, generator := streaming(t), start(t)
	for path, want := range map[string]string{
		"/gap":     "message 4 after 1: 2 are lost",
		"/end":     "a stream has ended",
		"/error":   "a line without a sequence number",
		"/whole":   "a reply of 14 bytes where a stream was to come",
		"/nowhere": "status 404",
	} {
		_, err := generator.Connect(lines(server, 2, path))
		if err == nil {
			_, err = generator.Run(0, 10*time.Second)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", path, err, want)
		}
	}
}

// One that gets less than the others has lost what it did not get, though no number is missing.
func TestStreamThatFallsBehind(t *testing.T) {
	t.Parallel()
	opened := make(chan bool, 1)
	opened <- true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first := false
		select {
		case first = <-opened:
		default:
		}
		writer{w}.event(1) // the second stream is opened when this has come on the first
		if first {
			writer{w}.event(2)
		}
		<-r.Context().Done()
	}))
	closeAll(t, server)
	generator := start(t)
	if _, err := generator.Connect(lines(server, 2, "/")); err != nil {
		t.Fatal(err)
	}
	const want = "stream 2 has received message 1, and not 2"
	if _, err := generator.Run(0, 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}
