package main

import (
	"net/http"
	"strconv"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// jsonHandler answers what the gRPC services do, for a gateway that knows JSON only.
func jsonHandler(data *replies, wait delay) http.Handler {
	mux := http.NewServeMux()
	for path, pick := range map[string]func(*ofUser) []byte{
		"GET /users/{id}":         func(u *ofUser) []byte { return u.userJSON },
		"GET /users/{id}/orders":  func(u *ofUser) []byte { return u.ordersJSON },
		"GET /users/{id}/notices": func(u *ofUser) []byte { return u.noticesJSON },
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			wait(r.Context())
			user, err := data.of(r.PathValue("id"))
			if err != nil {
				writeError(w, err)
				return
			}
			body := pick(user)
			w.Header()["Content-Type"] = []string{"application/json"}
			w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
			_, _ = w.Write(body) // it fails if the client has left
		})
	}
	return mux
}

func writeError(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	if status.Code(err) == codes.NotFound {
		code = http.StatusNotFound
	}
	http.Error(w, err.Error(), code)
}
