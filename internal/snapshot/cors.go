package snapshot

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	gatewayv1 "facet/api/facet/gateway/v1"
	"facet/internal/problem"
)

// AnyOrigin stands for every origin in the origins of CORS.
const AnyOrigin = "*"

const defaultCORSMaxAge = 2 * time.Hour

// checkCORS refuses origins that no browser would ever send, and what browsers do not accept.
func checkCORS(c located[*gatewayv1.Cors]) problem.List {
	var problems problem.List
	for i, origin := range c.config.GetOrigins() {
		at := c.at("origins", strconv.Itoa(i))
		switch likely := normalOrigin(origin); {
		case origin == AnyOrigin && len(c.config.GetOrigins()) > 1:
			problems = append(problems, problem.At(at, "`*` is every origin; leave out either it or the others"))
		case origin == AnyOrigin && c.config.GetCredentials():
			problems = append(problems, problem.At(at, "browsers refuse `credentials` for `*`; list the origins"))
		case origin == AnyOrigin || likely == origin:
		case likely != "":
			problems = append(problems, problem.At(at, "%q is no origin as browsers send it; did you mean %q?", origin, likely))
		default:
			problems = append(problems, problem.At(at, "%q is no origin; want one such as https://shop.example or http://localhost:3000", origin))
		}
	}
	return problems
}

// normalOrigin returns the origin of a URL as a browser sends it (RFC 6454, section 6.2): lower case, without a port that
// is the scheme's own. It is "" if the URL has none.
func normalOrigin(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" || !slices.Contains([]string{"http", "https"}, u.Scheme) {
		return ""
	}
	host := strings.ToLower(u.Host)
	if u.Port() == map[string]string{"http": "80", "https": "443"}[u.Scheme] {
		host = strings.TrimSuffix(host, ":"+u.Port())
	}
	return u.Scheme + "://" + host
}

// filledCORS returns what the documents say about other origins, with what they leave out.
func (c *configuration) filledCORS() *gatewayv1.Cors {
	cors := new(gatewayv1.Cors)
	proto.Merge(cors, c.cors.config)
	if cors.MaxAge == nil {
		cors.MaxAge = durationpb.New(defaultCORSMaxAge)
	}
	return cors
}
