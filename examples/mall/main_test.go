package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// freePorts are arguments for a mall on free ports.
var freePorts = []string{
	"-http=127.0.0.1:0", "-grpc=127.0.0.1:0", "-admin=127.0.0.1:0", "-etcd=127.0.0.1:0",
	"-user=127.0.0.1:0", "-order=127.0.0.1:0", "-product=127.0.0.1:0", "-notice=127.0.0.1:0", "-live=127.0.0.1:0",
}

// until collects what is written, and calls a function once when it holds a text.
type until struct {
	bytes.Buffer
	text string
	done func(output string)
}

func (u *until) Write(data []byte) (int, error) {
	n, err := u.Buffer.Write(data)
	if u.done != nil && strings.Contains(u.String(), u.text) {
		go u.done(u.String())
		u.done = nil
	}
	return n, err
}

func TestTourWorks(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	toured := make(chan []int, 1)
	stdout := &until{text: "page_size=3'", done: func(output string) {
		defer cancel()
		var sizes []int
		for _, match := range regexp.MustCompile(`curl '(.*)'`).FindAllStringSubmatch(output, -1) {
			sizes = append(sizes, fetch(t, match[1]))
		}
		toured <- sizes
	}}
	if err := run(ctx, freePorts, stdout, io.Discard); err != nil {
		t.Fatal(err)
	}
	var sizes []int
	select {
	case sizes = <-toured:
	default:
		t.Fatal("there was no tour")
	}
	if len(sizes) != 3 || sizes[0] < 11_500 || sizes[0] > 13_000 || sizes[1] > 2000 {
		t.Errorf("the replies have %v bytes, want three, the first 11500 to 13000, the second at most 2000", sizes)
	}
}

// fetch returns the size of a reply that must be a success.
func fetch(t *testing.T, url string) int {
	reply, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return 0
	}
	body, err := io.ReadAll(reply.Body)
	if err = errors.Join(err, reply.Body.Close()); err != nil || reply.StatusCode != http.StatusOK {
		t.Errorf("GET %s: %s: %s %v", url, reply.Status, body, err)
	}
	return len(body)
}

func TestBackendsOnly(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	stdout := &until{text: "live 127.0.0.1:", done: func(string) { cancel() }}
	if err := run(ctx, append([]string{"-backends-only"}, freePorts...), stdout, io.Discard); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(ctx.Err(), context.Canceled) {
		t.Error("it did not say where the services are")
	}
}

func TestTakenPortIsNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, flag := range []string{"http", "grpc", "admin", "etcd", "user", "live"} {
		args := append([]string{}, freePorts...)
		args = append(args, "-"+flag+"="+taken.Addr().String())
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		err := run(ctx, args, io.Discard, io.Discard)
		cancel()
		if err == nil || !strings.Contains(err.Error(), flag) || !strings.Contains(err.Error(), taken.Addr().String()) {
			t.Errorf("-%s taken: got error %v, want one that names it", flag, err)
		}
	}
}

func TestUsage(t *testing.T) {
	var stderr strings.Builder
	for _, args := range [][]string{{"-htpp=:1"}, {"surplus"}} {
		stderr.Reset()
		if err := run(t.Context(), args, io.Discard, &stderr); !errors.Is(err, errUsage) || stderr.Len() == 0 {
			t.Errorf("%v: got %v and %q, want a usage error that is explained", args, err, stderr.String())
		}
	}
}
