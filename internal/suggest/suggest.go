// Package suggest finds the name that was probably meant.
package suggest

import "strings"

// Closest returns the candidate with the smallest edit distance to name, if one is close enough
// to be a likely typing error.
func Closest(name string, candidates []string) (string, bool) {
	best, bestDistance := "", len(name)/3+1
	for _, candidate := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate), bestDistance); d <= bestDistance && (best == "" || d < bestDistance) {
			best, bestDistance = candidate, d
		}
	}
	return best, best != ""
}

// DidYouMean returns `; did you mean "x"?` for the closest candidate, or "".
func DidYouMean(name string, candidates []string) string {
	if best, ok := Closest(name, candidates); ok {
		return `; did you mean "` + best + `"?`
	}
	return ""
}

// distance is the Levenshtein distance of a and b, or limit+1 if it is larger than limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitution := diagonal
			if a[i] != b[j] {
				substitution++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitution, row[j+1]+1, row[j]+1)
		}
	}
	return min(row[len(b)], limit+1)
}
