// Package peer is what the processes of the benchmark have in common: how each is told where the services are, where
// it listens, and when it ends.
package peer

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// Main parses the flags, which have been declared before, and runs until run returns. Its context ends on SIGTERM, on an interrupt,
// and when standard input is closed: so a peer cannot outlive the runner.
func Main(run func(context.Context) error) {
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "unexpected argument %q: there are flags only, see -help\n", flag.Arg(0))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Announce tells the runner where the process listens: the one line on standard output.
func Announce(where string) { fmt.Fprintln(os.Stdout, "listening", where) }

// ListenFlag declares the flag -listen.
func ListenFlag() *string {
	return flag.String("listen", "127.0.0.1:0", "`address` to listen on")
}

// GRPCFlag declares the flag -grpc.
func GRPCFlag() *bool {
	return flag.Bool("grpc", false, "serve gRPC instead of HTTP/JSON")
}

// Services are the gRPC addresses of the services behind a gateway: host:port.
type Services struct {
	User, Order, Product, Notice string
}

// ServiceFlags declares a flag for the address of each service.
func ServiceFlags() *Services {
	s := new(Services)
	flag.StringVar(&s.User, "user", "", "`address` of the user service")
	flag.StringVar(&s.Order, "order", "", "`address` of the order service")
	flag.StringVar(&s.Product, "product", "", "`address` of the product service")
	flag.StringVar(&s.Notice, "notice", "", "`address` of the notice service")
	return s
}

// Dial returns a connection as grpc-go makes it by default, without TLS.
func Dial(address string, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	return grpc.NewClient(address, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
}

// NewHTTPServer returns a server with the settings that Facet's has.
func NewHTTPServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		MaxHeaderBytes:    64 << 10,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       120 * time.Second,
	}
}

// Listen listens on an address.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}

// ServeHTTP serves and announces its address until the context ends.
func ServeHTTP(ctx context.Context, listen string, server *http.Server) error {
	listener, err := Listen(ctx, listen)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	Announce(listener.Addr().String())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// ServeGRPC serves and announces its address until the context ends.
func ServeGRPC(ctx context.Context, listen string, server *grpc.Server) error {
	listener, err := Listen(ctx, listen)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, server.Stop)()
	Announce(listener.Addr().String())
	return server.Serve(listener)
}
