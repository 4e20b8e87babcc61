// Command lura is KrakenD's engine with what KrakenD puts around it: the default proxy stack, gin as the router, and a
// configuration file. Its services speak JSON, as most behind KrakenD do. What is returned is set in the file: there is
// no selection by the client, and an allow list does not reach into the elements of a list. So the endpoint brief,
// which stands for a selection, drops fields of the user, and returns orders and notices whole. Replies are decoded and
// encoded, which is the default, even where one call is passed through. The access log is off.
package main

import (
	"bytes"
	"context"
	_ "embed"
	"flag"
	"net/http"
	"os"
	"text/template"

	"github.com/gin-gonic/gin"
	"github.com/luraproject/lura/v2/config"
	"github.com/luraproject/lura/v2/logging"
	"github.com/luraproject/lura/v2/proxy"
	lura "github.com/luraproject/lura/v2/router/gin"
	"github.com/luraproject/lura/v2/transport/http/server"

	"facet/bench/internal/peer"
)

//go:embed lura.json.tmpl
var configuration string

func main() {
	listen := peer.ListenFlag()
	backend := flag.String("json", "", "`address` of the services' JSON")
	peer.Main(func(ctx context.Context) error {
		return serve(ctx, *listen, *backend)
	})
}

func serve(ctx context.Context, listen, backend string) error {
	settings, err := readConfig(backend)
	if err != nil {
		return err
	}
	logger, err := logging.NewLogger("WARNING", os.Stderr, "")
	if err != nil {
		return err
	}
	gin.SetMode(gin.ReleaseMode)
	gin.DefaultWriter = os.Stderr
	engine := lura.NewEngine(settings, lura.EngineOptions{Logger: logger, Writer: os.Stderr})
	failed := error(nil)
	lura.NewFactory(lura.Config{
		Engine:         engine,
		HandlerFactory: lura.EndpointHandler,
		ProxyFactory:   proxy.DefaultFactory(logger),
		Logger:         logger,
		RunServer: func(ctx context.Context, settings config.ServiceConfig, handler http.Handler) error {
			failed = peer.ServeHTTP(ctx, listen, server.NewServer(settings, handler))
			return failed
		},
	}).NewWithContext(ctx).Run(settings)
	return failed
}

// readConfig parses the configuration as KrakenD does its file.
func readConfig(backend string) (config.ServiceConfig, error) {
	read := func(name string) ([]byte, error) {
		parsed, err := template.New(name).Parse(configuration)
		if err != nil {
			return nil, err
		}
		var text bytes.Buffer
		err = parsed.Execute(&text, struct{ JSON string }{backend})
		return text.Bytes(), err
	}
	return config.NewParserWithFileReader(read).Parse("lura.json")
}
