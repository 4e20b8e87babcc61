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

// unescapeQuery decodes a name or value of a query, in which `+` is a space, as forms are sent. It tells whether the
// percent escapes are well-formed; it allocates only if there is something to decode.
func unescapeQuery(s string) (string, bool) {
	if strings.IndexByte(s, '+') >= 0 {
		s = strings.ReplaceAll(s, "+", " ")
	}
	return unescape(s, decodeAll)
}

// Query reads one parameter of a raw query: its first value, decoded, and how many times it is given. A name
// or value with malformed escapes is taken as it stands; [Binding.AppendRequest] refuses it.
func Query(raw, name string) (value string, n int) {
	for {
		key, text, rest, ok := nextParameter(raw)
		if !ok {
			return value, n
		}
		raw = rest
		if decoded, ok := unescapeQuery(key); ok {
			key = decoded
		}
		if key != name {
			continue
		}
		if n++; n == 1 {
			value = text
			if decoded, ok := unescapeQuery(text); ok {
				value = decoded
			}
		}
	}
}
