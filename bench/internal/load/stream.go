package load

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// streams are connections that each receive a stream of lines of JSON.
type streams struct {
	all []*stream
	// failed is closed when one of them has failed; err says why.
	failed  chan struct{}
	failing sync.Once
	err     error
	readers sync.WaitGroup
}

// stream is one of them. Its lines have sequence numbers, each one more than that before.
type stream struct {
	conn   *httpConn
	reader *bufio.Reader // of the body
	// received and last are how many lines have come, and the sequence number of the last one.
	received, last atomic.Int64
}

// subscribe opens the streams and waits for the first line of each. It returns the first line of all.
func subscribe(target Target) (*streams, []byte, error) {
	if len(target.Requests) != 1 || target.Connections < 1 {
		return nil, nil, errors.New("streams need one request and a connection")
	}
	s := &streams{failed: make(chan struct{})}
	var first []byte
	for i := range target.Connections {
		line, err := s.open(target)
		if err != nil {
			return nil, nil, errors.Join(fmt.Errorf("stream %d: %w", i+1, err), s.close())
		}
		if i == 0 {
			first = line
		}
	}
	return s, first, nil
}

// open opens one more stream and returns a copy of its first line. What follows is read until the stream is closed.
func (s *streams) open(target Target) ([]byte, error) {
	c, err := dialHTTP(target.Address, target.Requests)
	if err != nil {
		return nil, err
	}
	opened := &stream{conn: c}
	s.all = append(s.all, opened)
	c.until(time.Now().Add(openTimeout))
	first, err := opened.begin()
	if err != nil {
		return nil, err
	}
	c.until(time.Time{})
	s.readers.Go(func() {
		err := opened.readAll()
		s.failing.Do(func() {
			s.err = err
			close(s.failed)
		})
	})
	return first, nil
}

// openTimeout bounds the time until the first line of a stream.
const openTimeout = 10 * time.Second

// begin sends the request and reads up to the end of the first line, of which it returns a copy.
func (s *stream) begin() ([]byte, error) {
	if _, err := s.conn.conn.Write(s.conn.requests[0]); err != nil {
		return nil, err
	}
	status, length, chunked, err := s.conn.readHead()
	switch {
	case err != nil:
		return nil, err
	case status != http.StatusOK:
		return nil, fmt.Errorf("status %d", status)
	case !chunked:
		return nil, fmt.Errorf("a reply of %d bytes where a stream was to come", length)
	}
	s.reader = bufio.NewReader(httputil.NewChunkedReader(s.conn.reader))
	line, err := s.reader.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	sequence, err := sequenceOf(line)
	s.received.Store(1)
	s.last.Store(sequence)
	return bytes.Clone(line), err
}

// readAll reads lines until the connection fails or a line is missing, and returns why it ended, which is never nil.
func (s *stream) readAll() error {
	for {
		line, err := s.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 1 {
			continue // it says that the stream lives
		}
		sequence, err := sequenceOf(line)
		if err != nil {
			return err
		}
		if last := s.last.Load(); sequence != last+1 {
			return fmt.Errorf("message %d after %d: %d are lost", sequence, last, sequence-last-1)
		}
		s.last.Store(sequence)
		s.received.Add(1)
	}
}

var sequenceName = []byte(`"sequence":`)

// sequenceOf returns the sequence number in a line.
func sequenceOf(line []byte) (int64, error) {
	_, rest, found := bytes.Cut(line, sequenceName)
	rest = bytes.TrimLeft(rest, " ")
	end := bytes.IndexAny(rest, ",} ")
	if !found || end < 0 {
		return 0, fmt.Errorf("a line without a sequence number: %.200q", line)
	}
	return strconv.ParseInt(string(rest[:end]), 10, 64)
}

// run counts the messages that come within the duration. After it every stream has to get as far as the one that was
// furthest then: what was sent and does not come is lost, too.
func (s *streams) run(rate int, duration time.Duration) (Result, error) {
	if rate > 0 {
		return Result{}, errors.New("streams have the rate of who sends them")
	}
	start, before := time.Now(), s.count()
	if err := s.wait(duration); err != nil {
		return Result{}, err
	}
	result := Result{Requests: s.count() - before, Elapsed: time.Since(start)}
	return result, s.catchUp()
}

// count returns how many messages have come in all.
func (s *streams) count() (n int) {
	for _, each := range s.all {
		n += int(each.received.Load())
	}
	return n
}

// catchUp waits until every stream has received what one of them has received now.
func (s *streams) catchUp() error {
	furthest := int64(0)
	for _, each := range s.all {
		furthest = max(furthest, each.last.Load())
	}
	deadline := time.Now().Add(grace)
	for i, each := range s.all {
		for each.last.Load() < furthest {
			if time.Now().After(deadline) {
				return fmt.Errorf("stream %d has received message %d, and not %d, which others have", i+1, each.last.Load(), furthest)
			}
			if err := s.wait(time.Millisecond); err != nil {
				return err
			}
		}
	}
	return nil
}

// wait lets time pass, unless a stream fails.
func (s *streams) wait(duration time.Duration) error {
	select {
	case <-s.failed:
		if errors.Is(s.err, io.EOF) {
			return errors.New("a stream has ended")
		}
		return s.err
	case <-time.After(duration):
		return nil
	}
}

// close closes the connections and waits for those who read.
func (s *streams) close() error {
	var errs []error
	for _, each := range s.all {
		errs = append(errs, each.conn.close())
	}
	s.readers.Wait()
	return errors.Join(errs...)
}
