// Command bench compares Facet with its peers: the same work, the same services, in turn. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"facet/bench/internal/load"
)

// loadArgument makes this program the process of the load generator.
const loadArgument = "load"

func main() {
	if len(os.Args) == 2 && os.Args[1] == loadArgument {
		exit(load.Serve(os.Stdin, os.Stdout))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	exit(err)
}

func exit(err error) {
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	quick, check     bool
	workloads, peers *regexp.Regexp // nil for all
	out              string
}

const usage = `Usage: go run . [flags]

Measures all workloads and writes the report to results/. A run that measures less only prints it, unless -out is given.

`

func parse(arguments []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // an error is told at the end, once
	flags.Usage = func() {
		flags.SetOutput(stderr)
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	expression := func(into **regexp.Regexp) func(string) error {
		return func(text string) (err error) {
			*into, err = regexp.Compile(text)
			return err
		}
	}
	flags.BoolVar(&o.quick, "quick", false, "few and short rounds: two minutes, and figures that are less sure")
	flags.BoolVar(&o.check, "check", false, "compare with the report in results/, and fail if Facet has become worse")
	flags.Func("workloads", "only the workloads whose names match a `regexp`", expression(&o.workloads))
	flags.Func("peers", "only the peers whose names match a `regexp`", expression(&o.peers))
	flags.StringVar(&o.out, "out", "", "the `directory` for the report")
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is not a flag; run with -help for what there is", flags.Arg(0))
	}
	if o.check && (o.workloads != nil || o.peers != nil || o.out != "" || o.quick) {
		return o, errors.New("-check knows what to measure; it takes no other flag")
	}
	if o.out == "" && !o.quick && o.workloads == nil && o.peers == nil {
		o.out = resultsDirectory
	}
	return o, nil
}

// resultsDirectory is where the kept report is.
const resultsDirectory = "results"

func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) error {
	o, err := parse(arguments, stderr)
	if err != nil {
		return err
	}
	root, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(root, "peers", "facet")); err != nil {
		return fmt.Errorf("run it in the directory bench: %w", err)
	}
	r, err := newRunner(root, stderr)
	if err != nil {
		return err
	}
	if o.check {
		err = r.check(ctx, stdout)
	} else {
		err = r.compare(ctx, o, stdout)
	}
	return errors.Join(err, r.close())
}
