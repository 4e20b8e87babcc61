package server

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc/codes"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/gateway"
	"facet/internal/httprule"
	"facet/internal/snapshot"
)

var varyOrigin = []string{"Origin"}

// cors decides which pages may call from a browser, as the live snapshot says (Fetch, "CORS protocol").
type cors struct {
	snapshots *snapshot.Holder
}

// admit answers a preflight, and refuses a request of an origin that may not call, before anything is executed. It
// tells whether the request is to be served. Only browsers send origins: a request without one is admitted.
func (c cors) admit(w http.ResponseWriter, r *http.Request) bool {
	header := w.Header()
	header["Vary"] = varyOrigin // of every reply: a cache must not give one to a page that was made for another, or for none
	origin := r.Header.Get("Origin")
	if origin == "" || sameOrigin(r, origin) {
		return true
	}
	snap := c.snapshots.Pin()
	if snap == nil {
		writeError(w, r, gateway.NoSnapshot()) // there may be one in a moment, which does not allow the origin
		return false
	}
	defer snap.Unpin()
	if !allows(snap.CORS, origin) {
		writeError(w, r, originNotAllowed(origin))
		return false
	}
	if snap.CORS.GetCredentials() {
		header.Set("Access-Control-Allow-Credentials", "true")
	} else if slices.Contains(snap.CORS.GetOrigins(), snapshot.AnyOrigin) {
		origin = snapshot.AnyOrigin
	}
	header.Set("Access-Control-Allow-Origin", origin)
	if method := r.Header.Get("Access-Control-Request-Method"); method != "" && r.Method == http.MethodOptions {
		answerPreflight(w, r, snap, method)
		return false
	}
	return true
}

// sameOrigin tells whether a page of the gateway's own origin calls. Where a proxy has changed the host, browsers say it
// in a header that no page can set.
func sameOrigin(r *http.Request, origin string) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == "same-origin" || site == "none"
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && (strings.EqualFold(u.Host, r.Host) || strings.EqualFold(u.Host+defaultPorts[u.Scheme], r.Host))
}

// defaultPorts are what an origin leaves out, and some proxies do not.
var defaultPorts = map[string]string{"http": ":80", "https": ":443"}

func allows(config *gatewayv1.Cors, origin string) bool {
	return slices.ContainsFunc(config.GetOrigins(), func(allowed string) bool { return allowed == snapshot.AnyOrigin || allowed == origin })
}

func originNotAllowed(origin string) error {
	return &gateway.Error{
		Code: codes.PermissionDenied, Reason: "ORIGIN_NOT_ALLOWED",
		Message: fmt.Sprintf("pages of %s may not call; `cors.origins` of the documents lists those that may", origin),
	}
}

// answerPreflight tells a browser that the request which it asks about may be sent. Which header fields are in it makes no
// difference: what the gateway does not know stays with it.
func answerPreflight(w http.ResponseWriter, r *http.Request, snap *snapshot.Snapshot, method string) {
	header := w.Header()
	header["Vary"] = []string{"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
	if !bound(snap, method, r.URL.EscapedPath()) {
		writeError(w, r, &gateway.Error{
			Code: codes.NotFound, Reason: "PATH_NOT_FOUND", Message: fmt.Sprintf("nothing is served at %s %s", method, r.URL.EscapedPath()),
		})
		return
	}
	header.Set("Access-Control-Allow-Methods", method)
	if fields := r.Header.Values("Access-Control-Request-Headers"); len(fields) > 0 {
		header.Set("Access-Control-Allow-Headers", strings.Join(fields, ","))
	}
	header.Set("Access-Control-Max-Age", strconv.FormatInt(snap.CORS.GetMaxAge().GetSeconds(), 10))
	w.WriteHeader(http.StatusNoContent)
}

// bound tells whether a method is served at a path, by HTTP/JSON or gRPC-Web.
func bound(snap *snapshot.Snapshot, method, path string) bool {
	if _, ok := snap.Methods[strings.TrimPrefix(path, "/")]; ok && method == http.MethodPost {
		return true
	}
	_, found, _ := snap.Router.Find(method, path, new(httprule.Match))
	return found
}

// exposed are the header fields that a page may read besides those that middleware has added. The names of gRPC-Web
// are in the header if there is no message.
const exposed = "grpc-status, grpc-message, grpc-status-details-bin, grpc-encoding, x-facet-partial, retry-after, allow"

// expose lets a page of another origin read what is in the reply's header. What has no CORS header needs none.
func expose(header http.Header, added gateway.Header) {
	if header["Access-Control-Allow-Origin"] == nil {
		return
	}
	names := append([]string{exposed}, slices.Sorted(maps.Keys(added))...)
	header.Set("Access-Control-Expose-Headers", strings.Join(names, ", "))
}
