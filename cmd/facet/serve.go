package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"facet/internal/app"
	"facet/internal/conf"
	"facet/internal/etcd"
	"facet/internal/history"
	"facet/internal/source"
)

func newServe() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Serve the documents (the default command)",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			bootstrap, err := loadBootstrap(cmd)
			if err != nil {
				return err
			}
			logger, err := newLogger(cmd.ErrOrStderr(), bootstrap.GetLog())
			if err != nil {
				return err
			}
			return serve(cmd, bootstrap, logger)
		},
	}
}

// serve runs the gateway until the command's context ends.
func serve(cmd *cobra.Command, bootstrap *conf.Bootstrap, logger *slog.Logger) error {
	options := app.Options{Version: version, Bootstrap: bootstrap, Logger: logger}
	closeDocuments, err := openDocuments(cmd.Context(), bootstrap, &options)
	if err != nil {
		return err
	}
	a, err := app.New(cmd.Context(), options)
	if err != nil {
		return errors.Join(reportProblems(cmd.ErrOrStderr(), bootstrap.GetDocuments(), err), closeDocuments())
	}
	return errors.Join(a.Run(), closeDocuments())
}

// openDocuments sets where the documents come from: etcd, or directories.
func openDocuments(ctx context.Context, bootstrap *conf.Bootstrap, options *app.Options) (closeDocuments func() error, err error) {
	settings := bootstrap.GetEtcd()
	if settings == nil {
		options.Source, err = source.NewDirectory(bootstrap.GetDocuments()...)
		return func() error { return nil }, err
	}
	layout, err := etcd.NewLayout(settings.GetPrefix(), settings.GetApp())
	if err != nil {
		return nil, err
	}
	client, err := etcd.Connect(context.WithoutCancel(ctx), settings) // it is needed until the gateway has drained
	if err != nil {
		return nil, err
	}
	options.Source, options.History = source.NewEtcd(client, layout.Live()), history.New(client, layout)
	return client.Close, nil
}

// loadBootstrap reads the file that --conf names, or the one that is found.
func loadBootstrap(cmd *cobra.Command) (*conf.Bootstrap, error) {
	flag, err := cmd.Flags().GetString("conf")
	if err != nil {
		return nil, err
	}
	path, err := conf.Find(flag)
	if err != nil {
		return nil, err
	}
	return conf.Load(path)
}

func newLogger(w io.Writer, settings *conf.Log) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(settings.GetLevel())); err != nil {
		return nil, fmt.Errorf("log.level: %q is none of debug, info, warn, error", settings.GetLevel())
	}
	options := &slog.HandlerOptions{Level: level}
	switch settings.GetFormat() {
	case "json":
		return slog.New(slog.NewJSONHandler(w, options)), nil
	case "text":
		return slog.New(slog.NewTextHandler(w, options)), nil
	default:
		return nil, fmt.Errorf("log.format: %q is none of text, json", settings.GetFormat())
	}
}
