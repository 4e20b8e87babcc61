// Facet is a BFF gateway: it serves front-end APIs, filled from gRPC services by configuration.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"facet/internal/suggest"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// Exit codes: 0 done, 1 the documents have problems or the work failed, 2 the command line is wrong.
const (
	exitFailed = 1
	exitUsage  = 2
)

// errReported is a failure whose explanation has been printed.
var errReported = errors.New("reported")

// exitError ends a command that did what it was to do with a code that says what it found.
type exitError int

// Error implements error.
func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is a mistake in the command line.
type usageError struct{ error }

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(longFlags(args))
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	usage, code := usageError{}, exitError(0)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errReported):
		return exitFailed
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "facet: %v\nRun \"facet help\" for what there is.\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "facet: %v\n", err)
		return exitFailed
	}
}

func newRoot() *cobra.Command {
	serve := newServe()
	root := &cobra.Command{
		Use:           "facet",
		Short:         "A BFF gateway: front-end APIs filled from gRPC services by configuration",
		Version:       version,
		Args:          noCommand,
		RunE:          serve.RunE, // serve is the default, so that `kratos run` serves
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.PersistentFlags().String("conf", "", "bootstrap file, or the directory with bootstrap.yaml (default: ./configs, then ../../configs)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(serve, newCheck(), newExplain(), newDiff(), newSchema(),
		newPush(), newRollback(), newSnapshots(), newSave(), newPull(), newPromote(), newAbort())
	return root
}

// noCommand refuses what is none of the commands.
func noCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, command := range root.Commands() {
		names = append(names, command.Name())
	}
	return usageError{fmt.Errorf("unknown command %q%s", args[0], suggest.DidYouMean(args[0], names))}
}

// noArgs is cobra.NoArgs as a usage error.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no arguments; got %q", cmd.Name(), args[0])}
	}
	return nil
}

// longFlags accepts long flags with one dash, as Kratos applications do: `-conf ../configs`.
func longFlags(args []string) []string {
	long := make([]string, 0, len(args))
	for i, arg := range args {
		if arg == "--" {
			return append(long, args[i:]...)
		}
		if len(arg) > 2 && arg[0] == '-' && arg[1] != '-' {
			arg = "-" + arg
		}
		long = append(long, arg)
	}
	return long
}
