package admin

import (
	"fmt"
	"net/http"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"time"
)

// The handlers below answer as those of net/http/pprof, which is not imported because it registers itself with
// http.DefaultServeMux, where a public address might pick it up.

// longestProfile bounds the seconds that a client may ask for.
const longestProfile = 300 * time.Second

// listProfiles answers with the names of the profiles, one a line.
func listProfiles(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "profile\ntrace")
	for _, profile := range pprof.Profiles() {
		fmt.Fprintln(w, profile.Name())
	}
}

// namedProfile answers with a profile of the runtime: as text with ?debug=1 or 2, otherwise for `go tool pprof`.
func namedProfile(w http.ResponseWriter, r *http.Request) {
	profile := pprof.Lookup(r.PathValue("name"))
	if profile == nil {
		http.Error(w, "there is no such profile; /debug/pprof/ lists them", http.StatusNotFound)
		return
	}
	debug := 0
	if text := r.FormValue("debug"); text != "" {
		var err error
		if debug, err = strconv.Atoi(text); err != nil || debug < 0 || debug > 2 {
			http.Error(w, "debug: want 0, 1 or 2", http.StatusBadRequest)
			return
		}
	}
	contentType := "application/octet-stream"
	if debug > 0 {
		contentType = "text/plain; charset=utf-8"
	}
	w.Header().Set("Content-Type", contentType)
	_ = profile.WriteTo(w, debug) // an error means that the client has left
}

// cpuProfile answers with a CPU profile of the next ?seconds, 30 if they are not given.
func cpuProfile(w http.ResponseWriter, r *http.Request) {
	record(w, r, 30*time.Second, func() error { return pprof.StartCPUProfile(w) }, pprof.StopCPUProfile)
}

// executionTrace answers with an execution trace of the next ?seconds, 1 if they are not given.
func executionTrace(w http.ResponseWriter, r *http.Request) {
	record(w, r, time.Second, func() error { return trace.Start(w) }, trace.Stop)
}

// record runs a recorder for as long as the client asks for, and stays.
func record(w http.ResponseWriter, r *http.Request, duration time.Duration, start func() error, stop func()) {
	if text := r.FormValue("seconds"); text != "" {
		seconds, err := strconv.ParseFloat(text, 64)
		duration = time.Duration(seconds * float64(time.Second))
		if err != nil || duration <= 0 || duration > longestProfile {
			http.Error(w, fmt.Sprintf("seconds: want a number up to %d", int(longestProfile.Seconds())), http.StatusBadRequest)
			return
		}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	if err := start(); err != nil {
		w.Header().Del("Content-Type")
		http.Error(w, err.Error(), http.StatusConflict) // one recording at a time
		return
	}
	defer stop()
	select {
	case <-time.After(duration):
	case <-r.Context().Done():
	}
}
