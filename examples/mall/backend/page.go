package backend

import (
	"encoding/base64"
	"fmt"
	"hash/fnv"
)

// pageRequest is what the requests of all lists have in common.
type pageRequest interface {
	GetPageSize() int32
	GetPageToken() string
}

// pageSizes are those of one list.
type pageSizes struct{ usual, most int }

// paginate returns one page of items and the token of the next, empty on the last page. scope tells what the list is:
// a token of one list is refused for another.
func paginate[T any](items []T, request pageRequest, sizes pageSizes, scope string) ([]T, string, error) {
	size := int(request.GetPageSize())
	switch {
	case size < 0:
		return nil, "", invalid("page_size", "is %d, which is negative", size)
	case size == 0:
		size = sizes.usual
	}
	size = min(size, sizes.most)
	start, err := decodeToken(request.GetPageToken(), scope)
	if err != nil {
		return nil, "", err
	}
	start = min(start, len(items))
	end := min(start+size, len(items))
	if end == len(items) {
		return items[start:], "", nil
	}
	return items[start:end], encodeToken(end, scope), nil
}

func encodeToken(start int, scope string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%x.%d", fingerprint(scope), start))
}

// decodeToken returns where a page starts.
func decodeToken(token, scope string) (int, error) {
	if token == "" {
		return 0, nil
	}
	var start int
	var of uint64
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		_, err = fmt.Sscanf(string(text), "%x.%d", &of, &start)
	}
	if err != nil || start < 0 {
		return 0, invalid("page_token", "is not a token of this service")
	}
	if of != fingerprint(scope) {
		return 0, invalid("page_token", "belongs to another list; start again without it")
	}
	return start, nil
}

func fingerprint(scope string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(scope))
	return h.Sum64()
}
