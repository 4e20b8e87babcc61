package main

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"facet/bench/internal/report"
)

var modelName = regexp.MustCompile(`(?m)^model name\s*: (.*)$`)

// environment describes the machine. What it does not tell is left out.
func environment(ctx context.Context) report.Environment {
	e := report.Environment{CPU: "an unknown processor", Cores: runtime.NumCPU(), Kernel: "unknown", Go: runtime.Version()}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if found := modelName.FindSubmatch(info); found != nil {
			e.CPU = string(found[1])
		}
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		e.Kernel, _, _ = strings.Cut(strings.TrimSpace(string(release)), "-")
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		minute, _, _ := strings.Cut(string(load), " ")
		if e.Load, err = strconv.ParseFloat(minute, 64); err != nil {
			e.Load = 0
		}
	}
	if version, err := exec.CommandContext(ctx, "node", "--version").Output(); err == nil {
		e.Node = strings.TrimSpace(string(version))
	}
	return e
}
