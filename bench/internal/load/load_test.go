package load

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const okReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// pipes returns a session of connections to a server that takes service for each reply, and that, once, is stalled
// for a while before the reply with the given number. Time is that of the bubble of synctest.
func pipes(t *testing.T, connections int, service time.Duration, stalledReply int, stall time.Duration) *session {
	t.Helper()
	s := &session{sizes: []int{2}, sleep: func(until time.Time) { time.Sleep(time.Until(until)) }}
	var servers sync.WaitGroup
	for range connections {
		client, server := net.Pipe()
		s.conns = append(s.conns, newHTTPConn(client, "test", []Request{{Path: "/"}}))
		servers.Go(func() {
			reader := bufio.NewReader(server)
			for n := 0; ; n++ {
				if _, err := http.ReadRequest(reader); err != nil {
					return
				}
				time.Sleep(service)
				if n == stalledReply {
					time.Sleep(stall)
				}
				if _, err := server.Write([]byte(okReply)); err != nil {
					return
				}
			}
		})
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
		servers.Wait()
	})
	return s
}

func TestOpenLoopCountsFromWhenARequestWasDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// One connection, 100 requests per second of a millisecond each, and one second in which nothing is answered: the
		// requests that were due in it waited, though they could not be sent.
		s := pipes(t, 1, time.Millisecond, 100, time.Second)
		result, err := s.open(100, 4*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if result.Requests != 400 {
			t.Errorf("%d requests, want 400", result.Requests)
		}
		latency := *result.Latency
		if latency.P50 != time.Millisecond {
			t.Errorf("p50 %v, want that of a request alone, 1ms", latency.P50)
		}
		// A queue of 100 at 10 ms each is worked off 1 ms each: for 1.1 s, a fourth of the round, requests are late, evenly
		// from 1 s to none.
		if latency.P90 < 500*time.Millisecond || latency.P90 > 700*time.Millisecond {
			t.Errorf("p90 %v, want about 0.6s", latency.P90)
		}
		if latency.Max != 1001*time.Millisecond {
			t.Errorf("max %v, want 1.001s", latency.Max)
		}
		if latency.Late != 0 {
			t.Errorf("the generator was %v late in virtual time", latency.Late)
		}
	})
}

func TestOpenLoopSaysWhenTheRateIsNotSustained(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := pipes(t, 2, 100*time.Millisecond, -1, 0) // 20 per second at most
		if _, err := s.open(100, 5*time.Second); err == nil || !strings.Contains(err.Error(), "at 100 requests per second") {
			t.Errorf("error %v, want one that tells the rate", err)
		}
	})
}

func TestClosedLoopSendsOneAfterTheOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := pipes(t, 3, 10*time.Millisecond, -1, 0)
		result, err := s.closed(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if result.Requests != 300 || result.Elapsed != time.Second || result.Latency != nil {
			t.Errorf("%+v, want 300 requests in 1s and no latency", result)
		}
	})
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	for _, test := range []struct {
		sorted []time.Duration
		p      int
		want   time.Duration
	}{
		{nil, 50, 0},
		{hundred[:1], 50, 1},
		{hundred[:1], 99, 1},
		{hundred[:2], 50, 1},
		{hundred[:3], 50, 2},
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 100, 100},
		{hundred[:10], 99, 10},
	} {
		if got := percentile(test.sorted, test.p); got != test.want {
			t.Errorf("percentile %d of %d values is %d, want %d", test.p, len(test.sorted), got, test.want)
		}
	}
}
