// Mall runs the sample mall: its services, and a gateway in front of them.
//
//	go run ./examples/mall
//
// It needs no files: documents and contracts are built in. They are put into an etcd that runs in the process, where
// facet push changes them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"facet/examples/mall/backend"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "mall: %v\n", err)
		os.Exit(1)
	}
}

// errUsage is a mistake in the command line, which has been explained.
var errUsage = errors.New("usage")

// settings are the command line.
type settings struct {
	http, grpc, admin string // where the gateway listens
	etcd              string // where etcd listens
	services          backend.Addresses
	backendsOnly      bool
}

func parseSettings(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("mall", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.http, "http", ":8000", "where the gateway serves HTTP/JSON")
	flags.StringVar(&s.grpc, "grpc", ":9000", "where the gateway serves gRPC")
	flags.StringVar(&s.admin, "admin", "127.0.0.1:9900", "where the gateway serves health and state")
	flags.StringVar(&s.etcd, "etcd", "127.0.0.1:9190", "where etcd listens, which holds the documents")
	flags.StringVar(&s.services.User, "user", "127.0.0.1:9101", "where the user service listens")
	flags.StringVar(&s.services.Order, "order", "127.0.0.1:9102", "where the order service listens")
	flags.StringVar(&s.services.Product, "product", "127.0.0.1:9103", "where the product service listens")
	flags.StringVar(&s.services.Notice, "notice", "127.0.0.1:9104", "where the notice service listens")
	flags.StringVar(&s.services.Live, "live", "127.0.0.1:9105", "where the live service listens")
	flags.BoolVar(&s.backendsOnly, "backends-only", false, "run the services without etcd and a gateway")
	if err := flags.Parse(args); err != nil {
		return s, errors.Join(errUsage, err)
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "mall: unexpected argument %q\n", flags.Arg(0))
		return s, errUsage
	}
	return s, nil
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, err := parseSettings(args, stderr)
	if err != nil {
		return err
	}
	mall, err := backend.Start(backend.Options{Addresses: s.services})
	if err != nil {
		return err
	}
	defer mall.Stop()
	at := mall.Addresses()
	fmt.Fprintf(stdout, "services   user %s, order %s, product %s, notice %s, live %s\n", at.User, at.Order, at.Product, at.Notice, at.Live)
	if s.backendsOnly {
		<-ctx.Done()
		return nil
	}
	return serveGateway(ctx, s, at, stdout, stderr)
}
