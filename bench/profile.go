package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"facet/bench/internal/report"
)

// profileSeconds is how long processor time is recorded.
const profileSeconds = 5

// profile keeps the functions that take most of Facet's processor time under the load of a workload whose goal is
// missed.
func (r *runner) profile(ctx context.Context, goal *report.Goal, rate int, s *subject) error {
	name := "profile-" + goal.Workload + ".txt"
	if _, ok := r.profiles[name]; ok {
		goal.Profile = name
		return nil
	}
	if _, err := r.generator.Connect(s.target); err != nil {
		return err
	}
	ran := make(chan error, 1)
	go func() {
		_, err := r.generator.Run(rate, (profileSeconds+1)*time.Second)
		ran <- err
	}()
	data, err := s.gateway.facet.get(ctx, fmt.Sprintf("/debug/pprof/profile?seconds=%d", profileSeconds))
	if runErr := <-ran; err == nil {
		err = runErr
	}
	if err != nil {
		return err
	}
	path := filepath.Join(r.temp, "cpu.pprof")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return err
	}
	text, err := exec.CommandContext(ctx, "go", "tool", "pprof", "-top", "-nodecount=40", path).Output()
	if err != nil {
		return fmt.Errorf("go tool pprof: %w", err)
	}
	r.profiles[name] = text
	goal.Profile = name
	return nil
}

// writeProfiles writes the profiles of this run beside the report, in place of those of another one.
func (r *runner) writeProfiles(directory string) error {
	old, err := filepath.Glob(filepath.Join(directory, "profile-*.txt"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	for name, text := range r.profiles {
		if err := os.WriteFile(filepath.Join(directory, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
