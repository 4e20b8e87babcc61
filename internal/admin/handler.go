// Package admin serves health, state and profiles over HTTP, on an address of its own.
package admin

import (
	"encoding/json"
	"net/http"
)

// NewHandler returns what the admin address serves; metrics answers at /metrics. It is described in docs/admin.md.
func NewHandler(state State, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/livez", live)
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		status := state.Status()
		code := http.StatusOK
		if !status.Ready() {
			code = http.StatusServiceUnavailable
		}
		writeJSON(w, code, readinessOf(status))
	})
	mux.HandleFunc("/snapshot", func(w http.ResponseWriter, _ *http.Request) {
		status := state.Status()
		if status.Snapshot == nil {
			http.Error(w, "there is no snapshot yet", http.StatusServiceUnavailable)
			return
		}
		writeJSON(w, http.StatusOK, snapshotOf(status.Snapshot))
	})
	mux.Handle("/metrics", metrics)
	mux.HandleFunc("/debug/pprof/{$}", listProfiles)
	mux.HandleFunc("/debug/pprof/profile", cpuProfile)
	mux.HandleFunc("/debug/pprof/trace", executionTrace)
	mux.HandleFunc("/debug/pprof/{name}", namedProfile)
	return readOnly(mux)
}

// readOnly lets GET and HEAD through: nothing here changes anything.
func readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, r.Method+" is not allowed here", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// live answers that the process runs, which it does if it answers.
func live(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]string{"status": "live"})
}

// writeJSON sends a value, which must be one that can be marshaled.
func writeJSON(w http.ResponseWriter, code int, value any) {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_, _ = w.Write(append(text, '\n')) // an error means that the client has left
}
