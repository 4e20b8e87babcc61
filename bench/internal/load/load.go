// Package load asks gateways for replies, as fast as they answer (a closed loop) or at a fixed rate (an open loop), and
// checks the status and the size of every reply. It runs in a process of its own, see Generator, so that what it
// uses is nobody else's.
package load

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Protocols of a target.
const (
	HTTP = "http" // HTTP/1.1
	GRPC = "grpc"
	// Lines is HTTP/1.1, too: each connection has the one request answered by a stream of lines of JSON, which have a field
	// `sequence` that counts them. A line that is missing is an error.
	Lines = "lines"
)

// grace is how long requests that are under way at the end of a round may take.
const grace = 3 * time.Second

// Target is what is asked of whom.
type Target struct {
	// Protocol is HTTP, GRPC or Lines.
	Protocol string `json:"protocol"`
	// Address is HOST:PORT.
	Address string `json:"address"`
	// Connections is how many there are, each with one request at a time.
	Connections int `json:"connections"`
	// Requests are sent in turn.
	Requests []Request `json:"requests"`
}

// Request is one request.
type Request struct {
	// Method is that of HTTP. Default: GET.
	Method string `json:"method,omitempty"`
	// Path has the query of HTTP with it, and is the full method of gRPC: `/package.Service/Method`.
	Path string `json:"path"`
	// Header is that of HTTP, and the metadata of gRPC.
	Header map[string]string `json:"header,omitempty"`
	Body   []byte            `json:"body,omitempty"`
}

// Result is what came of a round.
type Result struct {
	// Requests is how many were answered. There are no others: a request that fails is an error of the round. Of streams it is how
	// many messages were received.
	Requests int           `json:"requests"`
	Elapsed  time.Duration `json:"elapsed"`
	// Latency is counted from when a request was to be sent, not from when it was. Only open loops have it.
	Latency *Latency `json:"latency,omitempty"`
}

// Latency is the percentiles of a round, by nearest rank, exact.
type Latency struct {
	P50 time.Duration `json:"p50"`
	P90 time.Duration `json:"p90"`
	P99 time.Duration `json:"p99"`
	Max time.Duration `json:"max"`
	// Late is the 99th percentile of how late the generator itself was. It is contained in the others.
	Late time.Duration `json:"late"`
}

// conn is one connection to a gateway.
type conn interface {
	// do sends the request with this index and returns the body of the reply, valid until the next call.
	do(request int) ([]byte, error)
	// until bounds the requests that follow.
	until(deadline time.Time)
	close() error
}

// session is the connections to one target.
type session struct {
	conns []conn
	// sizes are those of the replies, by request.
	sizes []int
	// sleep waits for a point in time.
	sleep func(until time.Time)
}

// run makes load: an open loop, or with the rate 0 a closed one.
func (s *session) run(rate int, duration time.Duration) (Result, error) {
	if rate > 0 {
		return s.open(rate, duration)
	}
	return s.closed(duration)
}

// connect opens the connections, has every request answered once, to know how large its reply is, and every
// connection used once. It returns the first reply.
func connect(target Target) (*session, []byte, error) {
	if len(target.Requests) == 0 || target.Connections < 1 {
		return nil, nil, errors.New("a target needs a request and a connection")
	}
	s := &session{sleep: sleepUntil}
	for range target.Connections {
		c, err := dial(target)
		if err != nil {
			return nil, nil, errors.Join(err, s.close())
		}
		s.conns = append(s.conns, c)
	}
	first, err := s.learn(len(target.Requests))
	if err != nil {
		return nil, nil, errors.Join(err, s.close())
	}
	return s, first, nil
}

func dial(target Target) (conn, error) {
	switch target.Protocol {
	case HTTP:
		return dialHTTP(target.Address, target.Requests)
	case GRPC:
		return dialGRPC(target.Address, target.Requests)
	default:
		return nil, fmt.Errorf("protocol %q is none of %s, %s and %s", target.Protocol, HTTP, GRPC, Lines)
	}
}

// learn notes the sizes of the replies and returns the first reply.
func (s *session) learn(requests int) (first []byte, err error) {
	s.until(time.Now().Add(30 * time.Second))
	for i := range requests {
		body, err := s.conns[i%len(s.conns)].do(i)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			first = bytes.Clone(body)
		}
		s.sizes = append(s.sizes, len(body))
	}
	for _, c := range s.conns[min(requests, len(s.conns)):] {
		if err := s.ask(c, 0); err != nil {
			return nil, err
		}
	}
	return first, nil
}

// ask has a request answered and compares the size of the reply.
func (s *session) ask(c conn, request int) error {
	body, err := c.do(request)
	if err == nil && len(body) != s.sizes[request] {
		err = fmt.Errorf("request %d: a reply of %d bytes, where the first one had %d: %.200q", request, len(body), s.sizes[request], body)
	}
	return err
}

func (s *session) until(deadline time.Time) {
	for _, c := range s.conns {
		c.until(deadline)
	}
}

func (s *session) close() error {
	var errs []error
	for _, c := range s.conns {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// closed sends over each connection one request after the other until the time is over.
func (s *session) closed(duration time.Duration) (Result, error) {
	start := time.Now()
	end := start.Add(duration)
	s.until(end.Add(grace))
	counts := make([]int, len(s.conns))
	err := s.each(func(i int, c conn) error {
		for request := i; time.Now().Before(end); request++ {
			if err := s.ask(c, request%len(s.sizes)); err != nil {
				return err
			}
			counts[i]++
		}
		return nil
	})
	result := Result{Elapsed: time.Since(start)}
	for _, n := range counts {
		result.Requests += n
	}
	return result, err
}

// open sends requests at a fixed rate, per second, whether or not those before have been answered: one that finds
// no free connection waits for it, and the wait is part of its latency.
func (s *session) open(rate int, duration time.Duration) (Result, error) {
	total := int(duration.Seconds() * float64(rate))
	start := time.Now()
	s.until(start.Add(duration + grace))
	type arrival struct {
		due     time.Time
		request int
	}
	arrivals := make(chan arrival, total) // never blocks who sends
	late := make([]time.Duration, total)
	var pacer sync.WaitGroup
	pacer.Go(func() {
		defer close(arrivals)
		for i := range total {
			due := start.Add(time.Duration(i) * time.Second / time.Duration(rate))
			s.sleep(due)
			late[i] = time.Since(due)
			arrivals <- arrival{due, i % len(s.sizes)}
		}
	})
	latencies := make([][]time.Duration, len(s.conns))
	err := s.each(func(i int, c conn) error {
		for a := range arrivals {
			if err := s.ask(c, a.request); err != nil {
				return err
			}
			latencies[i] = append(latencies[i], time.Since(a.due))
		}
		return nil
	})
	pacer.Wait()
	if err != nil {
		return Result{}, fmt.Errorf("at %d requests per second: %w", rate, err)
	}
	all := slices.Sorted(slices.Values(slices.Concat(latencies...)))
	slices.Sort(late)
	return Result{Requests: len(all), Elapsed: time.Since(start), Latency: &Latency{
		P50: percentile(all, 50), P90: percentile(all, 90), P99: percentile(all, 99), Max: percentile(all, 100), Late: percentile(late, 99),
	}}, nil
}

// each runs a function for every connection at once and waits for all of them.
func (s *session) each(f func(i int, c conn) error) error {
	errs := make([]error, len(s.conns))
	var running sync.WaitGroup
	for i, c := range s.conns {
		running.Go(func() { errs[i] = f(i, c) })
	}
	running.Wait()
	return errors.Join(errs...)
}

// percentile returns the smallest value that is not less than p percent of the sorted values, or 0 if there are none.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max((len(sorted)*p+99)/100, 1)-1]
}
