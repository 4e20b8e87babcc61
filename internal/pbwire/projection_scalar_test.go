package pbwire

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// TestAppendInt compares integers of every length with those of strconv.
func TestAppendInt(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	check := func(v uint64) {
		t.Helper()
		if got, want := string(appendUint(nil, v)), strconv.FormatUint(v, 10); got != want {
			t.Fatalf("appendUint(%d) = %s", v, got)
		}
		if got, want := string(appendInt(nil, int64(v))), strconv.FormatInt(int64(v), 10); got != want {
			t.Fatalf("appendInt(%d) = %s", int64(v), got)
		}
	}
	for v := range uint64(10_000) { // each division of digits8 has no other input
		check(v)
		check(v * 10_000)
		check(v*1e8 + v)
	}
	for power := uint64(1); power < math.MaxUint64/10; power *= 10 {
		check(power - 1)
		check(power)
		check(power + 1)
	}
	for bits := range 64 {
		for range 200 {
			check(r.Uint64() >> bits)
		}
	}
	check(1 << 63)
	check(math.MaxUint64)
}

// TestAppendFloat compares decimals, and numbers next to them, with those of encoding/json, whose form is that of
// protojson.
func TestAppendFloat(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	check := func(v float64) {
		t.Helper()
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := appendFloat(nil, v, 64); !bytes.Equal(got, want) {
			t.Fatalf("appendFloat(%x) = %s, want %s", v, got, want)
		}
	}
	for _, v := range []float64{0, math.Copysign(0, -1), 1, 0.1, 0.3, 1e-6, 9e-7, 1e-7, maxFixed, maxFixed - 1e-6, 123456789.123456, 1e15, 1e21, 5e-324, math.MaxFloat64} {
		check(v)
		check(-v)
	}
	for range 50_000 {
		scale := math.Pow10(r.IntN(9))
		v := math.Round(r.Float64()*math.Pow10(1+r.IntN(11))*scale) / scale
		check(v)
		check(-v)
		check(math.Nextafter(v, math.Inf(1)))
		check(math.Nextafter(v, 0))
		check(r.Float64() * math.Pow10(r.IntN(12)))
	}
}

// TestAppendTime compares each day of four centuries, and random times, with those of package time.
func TestAppendTime(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	check := func(at time.Time) {
		t.Helper()
		want := at.Format("2006-01-02T15:04:05.000000000")
		for range 2 {
			want = strings.TrimSuffix(want, "000")
		}
		want = strings.TrimSuffix(want, ".000")
		if got := string(appendTime(nil, at.Unix(), at.Nanosecond())); got != `"`+want+`Z"` {
			t.Fatalf("%s is written as %s", at, got)
		}
	}
	for day := range 146_097 {
		check(time.Date(1899, 1, 1+day, day%24, day%60, (day+7)%60, 0, time.UTC))
	}
	for range 20_000 {
		nanos := []int64{0, r.Int64N(1000) * 1e6, r.Int64N(1e6) * 1e3, r.Int64N(1e9)}[r.IntN(4)]
		check(time.Unix(minTimestamp+r.Int64N(maxTimestamp-minTimestamp+1), nanos).UTC())
	}
	check(time.Unix(minTimestamp, 0).UTC())
	check(time.Unix(maxTimestamp, 999_999_999).UTC())
}

// TestAppendString puts each kind of character at each place of texts of many lengths. Around a text, and up to the
// capacity of its slice, are bytes that must not matter.
func TestAppendString(t *testing.T) {
	for _, char := range []string{"b", `"`, `\`, "\x00", "\x1f", "\x7f", "\n", "é", "漢", "ࠀ", "퟿", "，", "\U0001F642", "\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe6\xbc"} {
		for size := range 70 {
			for at := range size + 1 {
				text := strings.Repeat("a", at) + char + strings.Repeat("a", size-at)
				checkString(t, text)
				if utf8.RuneLen([]rune(char)[0]) == 3 {
					checkString(t, strings.Repeat("茶", at%11)+text)
				}
			}
		}
	}
	checkString(t, "")
}

func checkString(t *testing.T, text string) {
	t.Helper()
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	if err := e.Encode(text); err != nil {
		t.Fatal(err)
	}
	for _, behind := range []string{"", `"`, strings.Repeat("\xff\"\\\x00", 16)} {
		slice := append([]byte(text), behind...)[:len(text)]
		for _, room := range []int{0, len(text) + 3, 256} {
			got, ok := appendString(append(make([]byte, 0, room), 'x'), slice)
			if ok != utf8.ValidString(text) {
				t.Fatalf("%q: valid: %t", text, ok)
			}
			if ok && string(got) != "x"+strings.TrimSuffix(want.String(), "\n") {
				t.Fatalf("%q is written as %s", text, got)
			}
		}
	}
}

// TestCell appends texts around the size of a block where there is room for a block, and where there is none.
func TestCell(t *testing.T) {
	for size := range 2 * block {
		text := strings.Repeat("n", size)
		c := newCell(text)
		for _, room := range []int{0, 1, size, size + 1, block, 3 * block} {
			if got := string(c.append(append(make([]byte, 0, room), 'x'))); got != "x"+text {
				t.Fatalf("%d bytes with room for %d: %s", size, room, got)
			}
		}
	}
}

// TestReadLongVarint compares varints of every length, and those that are too long or cut off, with protowire.
func TestReadLongVarint(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	for range 20_000 {
		wire := protowire.AppendVarint(nil, r.Uint64()>>r.IntN(64))
		for range r.IntN(8) { // not minimal, which readers accept
			wire[len(wire)-1] |= 0x80
			wire = append(wire, byte(r.IntN(2)))
		}
		for _, b := range [][]byte{wire, wire[:len(wire)-1], append(wire, "behind it"...)} {
			want, n := protowire.ConsumeVarint(b)
			got, end := readVarint(b, 0)
			if n > 0 && (got != want || end != n) || n < 0 && end >= 0 {
				t.Fatalf("%x: read %d up to %d, want %d up to %d", b, got, end, want, n)
			}
		}
	}
}
