package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"facet/internal/conf"
	"facet/internal/etcd"
	"facet/internal/history"
)

// storeTimeout bounds all that a command asks of etcd.
const storeTimeout = time.Minute

// addStoreFlags adds the flags that say where the documents are.
func addStoreFlags(cmd *cobra.Command) {
	cmd.Flags().StringSlice("etcd", nil, "where etcd listens, host:port or URL, several with commas (default: as the bootstrap file says)")
	cmd.Flags().String("app", "", "the application whose documents are meant (default: as the bootstrap file says)")
	cmd.Flags().String("user", "", "who you are to etcd")
	cmd.Flags().String("password-file", "", "file with the user's password in its first line")
}

// withStore does something with the history that the command line, or the bootstrap file, names. Its context ends
// before a user would lose patience.
func withStore(cmd *cobra.Command, do func(ctx context.Context, store *history.Store) error) (err error) {
	settings, err := storeSettings(cmd)
	if err != nil {
		return err
	}
	layout, err := etcd.NewLayout(settings.GetPrefix(), settings.GetApp())
	if err != nil {
		return usageError{err}
	}
	client, err := etcd.Connect(context.WithoutCancel(cmd.Context()), settings) // it ends with Close
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	if err := reach(cmd.Context(), client, settings); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), storeTimeout)
	defer cancel()
	return do(ctx, history.New(client, layout))
}

// storeSettings are those of the bootstrap file, or of the command line, whose flags override them.
func storeSettings(cmd *cobra.Command) (*conf.Etcd, error) {
	flags := cmd.Flags()
	endpoints, err := flags.GetStringSlice("etcd")
	if err != nil {
		return nil, err
	}
	bootstrap := conf.Default()
	if len(endpoints) == 0 || flags.Changed("conf") {
		if bootstrap, err = loadBootstrap(cmd); err != nil {
			return nil, fmt.Errorf("which etcd? Give --etcd and --app, or --conf with a bootstrap file that says it: %w", err)
		}
	}
	settings := bootstrap.GetEtcd()
	if settings == nil && len(endpoints) == 0 {
		return nil, usageError{errors.New("which etcd? Give --etcd and --app, or --conf: the bootstrap file names no etcd")}
	}
	if settings == nil {
		settings = conf.DefaultEtcd()
	}
	for flag, setting := range map[string]*string{
		"app": &settings.App, "user": &settings.Username, "password-file": &settings.PasswordFile,
	} {
		value, err := flags.GetString(flag)
		if err != nil {
			return nil, err
		}
		*setting = cmp.Or(value, *setting)
	}
	if len(endpoints) > 0 {
		settings.Endpoints = endpoints
	}
	return settings, checkStore(settings)
}

// checkStore finds what the flags leave out.
func checkStore(settings *conf.Etcd) error {
	switch {
	case settings.App == "":
		return usageError{errors.New("which application? Give --app, such as --app mall")}
	case slices.Contains(settings.Endpoints, ""):
		return usageError{errors.New("--etcd: an endpoint is empty; want host:port or a URL")}
	case settings.Username != "" && settings.PasswordFile == "":
		return usageError{fmt.Errorf("--user %s: give --password-file, too", settings.Username)}
	case settings.Username == "" && settings.PasswordFile != "":
		return usageError{fmt.Errorf("--password-file %s: give --user, too", settings.PasswordFile)}
	}
	return nil
}

// reach finds out whether etcd is there. The client itself tries again and again and in the end does not say what went wrong;
// a request that goes round it fails at once, and does.
func reach(ctx context.Context, client *clientv3.Client, settings *conf.Etcd) error {
	timeout := settings.GetDialTimeout().AsDuration()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	_, err := etcdserverpb.NewKVClient(client.ActiveConnection()).Range(ctx, &etcdserverpb.RangeRequest{Key: []byte("/"), CountOnly: true, Serializable: true})
	endpoints := strings.Join(settings.GetEndpoints(), ", ")
	switch code := status.Code(err); {
	case code == codes.Unavailable:
		return fmt.Errorf("etcd at %s is not there: %s", endpoints, status.Convert(err).Message())
	case code == codes.DeadlineExceeded || errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("etcd at %s does not answer within %s", endpoints, timeout)
	default:
		return nil // etcd answered, if only that this needs a user
	}
}
