package load

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// httpConn speaks just as much HTTP/1.1 as the servers that are measured: the client of net/http would take more
// of the machine than some of them.
type httpConn struct {
	conn     net.Conn
	reader   *bufio.Reader
	requests [][]byte
	body     []byte // of the last reply
}

func dialHTTP(address string, requests []Request) (*httpConn, error) {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	c, err := dialer.DialContext(context.Background(), "tcp", address)
	if err != nil {
		return nil, err
	}
	return newHTTPConn(c, address, requests), nil
}

func newHTTPConn(c net.Conn, host string, requests []Request) *httpConn {
	h := &httpConn{conn: c, reader: bufio.NewReaderSize(c, 64<<10)}
	for _, request := range requests {
		h.requests = append(h.requests, encode(host, request))
	}
	return h
}

// encode writes a request as it goes over the wire.
func encode(host string, request Request) []byte {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s %s HTTP/1.1\r\nHost: %s\r\n", cmp.Or(request.Method, http.MethodGet), request.Path, host)
	for _, name := range slices.Sorted(maps.Keys(request.Header)) {
		fmt.Fprintf(&text, "%s: %s\r\n", name, request.Header[name])
	}
	if len(request.Body) > 0 {
		fmt.Fprintf(&text, "Content-Length: %d\r\n", len(request.Body))
	}
	text.WriteString("\r\n")
	text.Write(request.Body)
	return text.Bytes()
}

func (c *httpConn) until(deadline time.Time) { _ = c.conn.SetDeadline(deadline) } // fails on a closed connection, as what follows will

func (c *httpConn) close() error { return c.conn.Close() }

func (c *httpConn) do(request int) ([]byte, error) {
	if _, err := c.conn.Write(c.requests[request]); err != nil {
		return nil, err
	}
	status, err := c.readReply()
	switch {
	case err != nil:
		return nil, err
	case status != http.StatusOK:
		return nil, fmt.Errorf("status %d: %.300s", status, c.body)
	default:
		return c.body, nil
	}
}

var errNotHTTP = errors.New("the reply is not HTTP/1.1")

// readReply reads a reply into c.body and returns its status.
func (c *httpConn) readReply() (status int, err error) {
	status, length, chunked, err := c.readHead()
	if err != nil {
		return 0, err
	}
	c.body = c.body[:0]
	if chunked {
		return status, c.readChunks()
	}
	return status, c.readBody(length)
}

// readHead reads the status of a reply and up to its body, and returns how long that is.
func (c *httpConn) readHead() (status, length int, chunked bool, err error) {
	line, err := c.readLine()
	if err != nil {
		return 0, 0, false, err
	}
	version, rest, _ := bytes.Cut(line, []byte(" "))
	code, _, _ := bytes.Cut(rest, []byte(" "))
	if status, err = strconv.Atoi(string(code)); err != nil || !bytes.Equal(version, []byte("HTTP/1.1")) {
		return 0, 0, false, fmt.Errorf("%w: %.50q", errNotHTTP, line)
	}
	length, chunked, err = c.readHeader()
	return status, length, chunked, err
}

// readHeader reads up to the body and returns how long that is.
func (c *httpConn) readHeader() (length int, chunked bool, err error) {
	length = -1
	for {
		line, err := c.readLine()
		if err != nil {
			return 0, false, err
		}
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return 0, false, fmt.Errorf("%w: %.50q", errNotHTTP, line)
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = bytes.EqualFold(value, []byte("chunked"))
		}
	}
	if length < 0 && !chunked {
		return 0, false, fmt.Errorf("%w: it tells no length", errNotHTTP)
	}
	return length, chunked, nil
}

// readChunks reads a body in chunks.
func (c *httpConn) readChunks() error {
	for {
		line, err := c.readLine()
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseUint(string(size), 16, 31)
		if err != nil {
			return fmt.Errorf("%w: a chunk of %.20q bytes", errNotHTTP, size)
		}
		if err := c.readBody(int(n)); err != nil {
			return err
		}
		if line, err := c.readLine(); err != nil || len(line) > 0 {
			return errors.Join(err, fmt.Errorf("%w: %.20q after a chunk", errNotHTTP, line))
		}
		if n == 0 {
			return nil
		}
	}
}

// readBody appends n bytes to c.body.
func (c *httpConn) readBody(n int) error {
	start := len(c.body)
	c.body = slices.Grow(c.body, n)[:start+n]
	_, err := io.ReadFull(c.reader, c.body[start:])
	return err
}

// readLine returns the next line without its end, valid until the next read.
func (c *httpConn) readLine() ([]byte, error) {
	line, err := c.reader.ReadSlice('\n')
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), err
}
