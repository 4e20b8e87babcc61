package httprule

import "strings"

// nextParameter cuts the first parameter off a raw query. Name and value are still escaped; the value of a
// parameter without "=" is "". Empty parameters, as in `a=1&&b=2`, are passed over: if nothing but such is
// left, ok is false.
func nextParameter(query string) (name, value, rest string, ok bool) {
	for query != "" {
		var parameter string
		parameter, query, _ = strings.Cut(query, "&")
		if parameter != "" {
			name, value, _ = strings.Cut(parameter, "=")
			return name, value, query, true
		}
	}
	return "", "", "", false
}

// unescapeQuery is unescape for a name or value of a query, in which `+` is a space, as forms are sent.
func unescapeQuery(s string) (string, bool) {
	return unescape(strings.ReplaceAll(s, "+", " "), decodeAll)
}

// Query reads one parameter of a raw query: its first value, decoded, and how many times it is given. The
// escapes of a malformed name or value are left in it; [Binding.AppendRequest] refuses it.
func Query(raw, name string) (value string, n int) {
	for {
		key, text, rest, ok := nextParameter(raw)
		if !ok {
			return value, n
		}
		raw = rest
		if key, _ = unescapeQuery(key); key != name {
			continue
		}
		if n++; n == 1 {
			value, _ = unescapeQuery(text)
		}
	}
}
