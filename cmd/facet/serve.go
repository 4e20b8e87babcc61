package main

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"facet/internal/app"
	"facet/internal/conf"
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
			directories, err := source.NewDirectory(bootstrap.GetDocuments()...)
			if err != nil {
				return err
			}
			logger, err := newLogger(cmd.ErrOrStderr(), bootstrap.GetLog())
			if err != nil {
				return err
			}
			a, err := app.New(cmd.Context(), app.Options{
				Version: version, Bootstrap: bootstrap, Source: directories, Logger: logger,
			})
			if err != nil {
				return reportProblems(cmd.ErrOrStderr(), bootstrap.GetDocuments(), err)
			}
			return a.Run()
		},
	}
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
