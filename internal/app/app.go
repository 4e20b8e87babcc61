// Package app wires the parts of Facet into one Kratos application.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"github.com/go-kratos/kratos/v2"
	"github.com/go-kratos/kratos/v2/config"
	khttp "github.com/go-kratos/kratos/v2/transport/http"

	"facet/internal/admin"
	"facet/internal/conf"
	"facet/internal/gateway"
	"facet/internal/history"
	"facet/internal/server"
	"facet/internal/snapshot"
	"facet/internal/telemetry"
	"facet/internal/upstream"
)

// Options are what an application is made of.
type Options struct {
	// Version is that of the binary.
	Version string
	// Bootstrap holds the settings of the process, defaults filled in.
	Bootstrap *conf.Bootstrap
	// Source delivers the documents.
	Source config.Source
	// History archives what serves as versions, and has candidates to try out; nil for documents that are not in etcd.
	History *history.Store
	// Logger receives what there is to say.
	Logger *slog.Logger
}

// App is a gateway that listens, ready to run.
type App struct {
	ctx       context.Context // its end stops Run
	settings  *conf.Server
	kratos    *kratos.App
	http      *khttp.Server
	grpc      *server.GRPC
	admin     *khttp.Server
	telemetry *telemetry.Telemetry
	snapshots *snapshot.Holder
	pool      *upstream.Pool

	reloader   *reloader
	candidates *candidates
}

// New loads the first snapshot and opens the listeners. Documents with problems are an error that lists them
// (a problem.List): a gateway does not start on a configuration that it would refuse later, unless it has kept a good
// one.
func New(ctx context.Context, options Options) (*App, error) {
	logKratos(options.Logger)
	metrics, err := telemetry.New(options.Version)
	if err != nil {
		return nil, err
	}
	bootstrap := options.Bootstrap
	a := &App{ctx: ctx, settings: bootstrap.GetServer(), telemetry: metrics, snapshots: &snapshot.Holder{}, pool: upstream.NewPool()}
	k := newKeeper(bootstrap, options.History, options.Logger)
	a.reloader = newReloader(options.Source, a.snapshots, snapshot.NewBuilder(a.pool), k, options.Logger)
	k.archived = a.reloader.archived
	if err := a.reloader.load(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	gw := gateway.New(a.snapshots)
	a.candidates = newCandidates(options.History, gw, a.reloader.hash, snapshot.NewBuilder(a.pool), options.Logger)
	if err := a.observe(metrics.Meter()); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	a.http = server.NewHTTP(httpSettings(a.settings.GetHttp()), gw, a.snapshots)
	a.grpc = server.NewGRPC(grpcSettings(a.settings.GetGrpc()), gw, a.snapshots)
	a.admin = server.NewHandler(adminSettings(a.settings.GetAdmin()), admin.NewHandler(a, metrics.Handler()))
	if err := a.listen(); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	a.kratos = kratos.New(
		kratos.Name("facet"),
		kratos.Version(options.Version),
		kratos.Context(context.WithoutCancel(ctx)), // the parent of every request's: its end would cut them off instead of draining
		kratos.StopTimeout(a.settings.GetDrainTimeout().AsDuration()),
		kratos.BeforeStop(func(context.Context) error {
			a.reloader.drain()
			gw.Drain(a.settings.GetDrainTimeout().AsDuration() / 2) // and the rest for the others
			return nil
		}),
		kratos.Server(a.http, a.grpc, a.admin, a.reloader, a.candidates, k),
	)
	return a, nil
}

// listen opens the listeners, so that a port that is taken is known before anything runs.
func (a *App) listen() error {
	for _, listener := range []struct {
		name   string
		server endpointer
	}{{"http", a.http}, {"grpc", a.grpc}, {"admin", a.admin}} {
		if _, err := listener.server.Endpoint(); err != nil {
			return fmt.Errorf("%s: %w", listener.name, err)
		}
	}
	return nil
}

// endpointer is a Kratos server: asked where it listens, it listens.
type endpointer interface {
	Endpoint() (*url.URL, error)
}

// Run serves until ctx of New ends or a signal arrives, and then drains.
func (a *App) Run() error {
	defer context.AfterFunc(a.ctx, func() { _ = a.kratos.Stop() })() // it fails to deregister at most, and nothing is registered
	return errors.Join(a.kratos.Run(), a.Close())
}

// Status implements admin.State.
func (a *App) Status() admin.Status {
	status, _ := a.reloader.state()
	status.Canary = a.candidates.status()
	return status
}

// Close releases what the application holds.
func (a *App) Close() error {
	a.snapshots.Publish(nil)
	return errors.Join(a.pool.Close(), a.telemetry.Close(context.Background()))
}

// Addresses returns where the servers listen: host:port.
func (a *App) Addresses() (http, grpc, admin string) {
	s := a.settings
	return hostPort(s.GetHttp().GetAddr(), a.http), hostPort(s.GetGrpc().GetAddr(), a.grpc), hostPort(s.GetAdmin().GetAddr(), a.admin)
}

// hostPort is where a configured address listens: its port may have been chosen by the system, and an address that
// is every interface is localhost for who is on this machine.
func hostPort(configured string, server endpointer) string {
	u, err := server.Endpoint()
	if err != nil {
		return configured
	}
	host, _, err := net.SplitHostPort(configured)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("localhost", u.Port())
	}
	return u.Host
}

func httpSettings(c *conf.Server_HTTP) server.Settings {
	return server.Settings{
		Addr:              c.GetAddr(),
		HeaderBytes:       int(c.GetHeaderBytes()),
		ReadHeaderTimeout: c.GetReadHeaderTimeout().AsDuration(),
		ReadTimeout:       c.GetReadTimeout().AsDuration(),
		IdleTimeout:       c.GetIdleTimeout().AsDuration(),
	}
}

func grpcSettings(c *conf.Server_GRPC) server.GRPCSettings {
	return server.GRPCSettings{
		Addr:          c.GetAddr(),
		ReadTimeout:   c.GetReadTimeout().AsDuration(),
		MaxStreams:    uint32(c.GetMaxStreams()),
		ConnectionAge: c.GetConnectionAge().AsDuration(),
	}
}

func adminSettings(c *conf.Server_Admin) server.Settings {
	return server.Settings{Addr: c.GetAddr(), HeaderBytes: 64 << 10, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
}
