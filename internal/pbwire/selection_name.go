package pbwire

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"facet/internal/suggest"
)

// selName is a name as it stands in a selection, without its backticks.
type selName struct {
	text   string
	quoted bool
}

// star tells whether the name is the wildcard.
func (n selName) star() bool { return n.text == "*" && !n.quoted }

// parseName reads a name.
func (p *selParser) parseName() (selName, error) {
	if p.pos < len(p.text) && p.text[p.pos] == '`' {
		return p.parseQuoted()
	}
	rest := p.text[p.pos:]
	end := strings.IndexAny(rest, ".,/()` \t\r\n")
	if end < 0 {
		end = len(rest)
	}
	if end == 0 {
		if rest == "" {
			return selName{}, p.errorf(p.pos, "expected a name at the end")
		}
		return selName{}, p.errorf(p.pos, "expected a name before %s", selShow(rest))
	}
	p.pos += end
	return selName{text: rest[:end]}, nil
}

// parseQuoted reads a name between backticks; a backtick within it is doubled.
func (p *selParser) parseQuoted() (selName, error) {
	start := p.pos
	for i := start + 1; i < len(p.text); i++ {
		if p.text[i] != '`' {
			continue
		}
		if i+1 < len(p.text) && p.text[i+1] == '`' {
			i++
			continue
		}
		p.pos = i + 1
		return selName{text: strings.ReplaceAll(p.text[start+1:i], "``", "`"), quoted: true}, nil
	}
	return selName{}, p.errorf(start, "the name has no closing backtick")
}

// selAppendName appends a name, between backticks unless it is a plain word.
func selAppendName(dst []byte, name string) []byte {
	if name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == "" {
		return append(dst, name...)
	}
	dst = append(dst, '`')
	dst = append(dst, strings.ReplaceAll(name, "`", "``")...)
	return append(dst, '`')
}

// selShow quotes a text for an error message, cut to a length that a person reads.
func selShow(text string) string {
	const most = 40
	if len(text) <= most {
		return strconv.Quote(text)
	}
	end := most
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return strconv.Quote(text[:end] + "...")
}

// selInvalidUTF8 is the offset of the first byte that is no UTF-8.
func selInvalidUTF8(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return i
			}
		}
	}
	return len(text)
}

// selSuggest is suggest.DidYouMean for a name from outside: a huge one is not worth the time.
func selSuggest(name string, names []string) string {
	const most = 64
	if len(name) > most {
		return ""
	}
	return suggest.DidYouMean(name, names)
}
