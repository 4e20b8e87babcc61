package diff

import "slices"

// edit is one line of a comparison: '-' was removed, '+' was added, ' ' is in both.
type edit struct {
	sign byte
	line string
}

// editScript returns how a became b. Lines that are unique in both are matched where they are in the same order, and the
// equal lines around them; what is left between was removed and added. That is not always the shortest script, but
// one that people would write, in n log n steps however much changed.
func editScript(a, b []string) []edit {
	var script []edit
	i, j := 0, 0
	for _, anchor := range append(anchors(a, b), pair{len(a), len(b)}) {
		script = appendGap(script, a[i:anchor.a], b[j:anchor.b])
		i, j = anchor.a, anchor.b
	}
	return script
}

// appendGap appends the edits between two anchors; the lines at the first of which are equal.
func appendGap(script []edit, a, b []string) []edit {
	prefix := 0
	for prefix < min(len(a), len(b)) && a[prefix] == b[prefix] {
		prefix++
	}
	suffix := 0
	for suffix < min(len(a), len(b))-prefix && a[len(a)-1-suffix] == b[len(b)-1-suffix] {
		suffix++
	}
	script = appendEdits(script, ' ', a[:prefix])
	script = appendEdits(script, '-', a[prefix:len(a)-suffix])
	script = appendEdits(script, '+', b[prefix:len(b)-suffix])
	return appendEdits(script, ' ', a[len(a)-suffix:])
}

func appendEdits(script []edit, sign byte, lines []string) []edit {
	for _, line := range lines {
		script = append(script, edit{sign, line})
	}
	return script
}

// pair is a line of a and a line of b, by their indices.
type pair struct{ a, b int }

// anchors returns the longest sequence of lines that are unique in both and in the same order.
func anchors(a, b []string) []pair {
	inB := uniqueLines(b)
	var common []pair
	inA := uniqueLines(a)
	for i, line := range a {
		if j, ok := inB[line]; ok && j >= 0 && inA[line] == i {
			common = append(common, pair{i, j})
		}
	}
	return longestRising(common)
}

// uniqueLines returns the indices of the lines that are there once, and -1 for the others.
func uniqueLines(lines []string) map[string]int {
	unique := make(map[string]int, len(lines))
	for i, line := range lines {
		if _, again := unique[line]; again {
			i = -1
		}
		unique[line] = i
	}
	return unique
}

// longestRising returns the longest subsequence of pairs whose b rises, as a does.
func longestRising(pairs []pair) []pair {
	var ends []int                      // of the best sequences of each length, the index of the last pair
	previous := make([]int, len(pairs)) // in its best sequence, -1 if it begins one
	for i, p := range pairs {
		n, _ := slices.BinarySearchFunc(ends, p.b, func(end, b int) int { return pairs[end].b - b })
		previous[i] = -1
		if n > 0 {
			previous[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	rising := make([]pair, len(ends))
	for i := len(ends) - 1; i >= 0; i-- {
		at := ends[len(ends)-1]
		rising[i], ends[len(ends)-1] = pairs[at], previous[at]
	}
	return rising
}
