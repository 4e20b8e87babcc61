package pbwire

import (
	"encoding/binary"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	maxDuration  = 315_576_000_000 // seconds: 10,000 years
	minTimestamp = -62_135_596_800 // seconds: 0001-01-01T00:00:00Z
	maxTimestamp = 253_402_300_799 // seconds: 9999-12-31T23:59:59Z
	secondNanos  = 1_000_000_000
)

// sinceEpoch reads a google.protobuf.Timestamp or Duration: seconds and nanoseconds.
func (r *run) sinceEpoch(p *program, s span) (secs, nanos int64, err *WireError) {
	if s.next == 0 {
		if secs, nanos, ok := readSeconds(r.in[:s.end], s.start); ok {
			return secs, nanos, nil
		}
	}
	values, err := r.scalars(p, s)
	if err != nil {
		return 0, 0, err
	}
	return int64(r.number(values[0])), int64(int32(r.number(values[1]))), nil
}

// readSeconds is sinceEpoch for a message as encoders write it; it returns false for any other.
func readSeconds(in []byte, pos int) (secs, nanos int64, ok bool) {
	const secondsTag, nanosTag = 1<<3 | byte(protowire.VarintType), 2<<3 | byte(protowire.VarintType)
	var raw uint64
	if pos < len(in) && in[pos] == secondsTag {
		raw, pos = readVarint(in, pos+1)
		secs = int64(raw)
	}
	if uint(pos) < uint(len(in)) && in[pos] == nanosTag {
		raw, pos = readVarint(in, pos+1)
		nanos = int64(int32(raw))
	}
	return secs, nanos, pos == len(in)
}

// duration appends a google.protobuf.Duration: "1.500s".
func (r *run) duration(dst []byte, p *program, s span) ([]byte, *WireError) {
	secs, nanos, err := r.sinceEpoch(p, s)
	if err != nil {
		return dst, err
	}
	switch {
	case secs < -maxDuration || secs > maxDuration:
		return dst, noJSON(p, s, "%d seconds are out of range", secs)
	case nanos <= -secondNanos || nanos >= secondNanos:
		return dst, noJSON(p, s, "%d nanoseconds are out of range", nanos)
	case secs > 0 && nanos < 0 || secs < 0 && nanos > 0:
		return dst, noJSON(p, s, "%d seconds and %d nanoseconds have different signs", secs, nanos)
	}
	dst = append(dst, '"')
	if secs < 0 || nanos < 0 {
		dst = append(dst, '-')
		secs, nanos = -secs, -nanos
	}
	dst = appendInt(dst, secs)
	return append(appendNanos(dst, uint64(nanos)), 's', '"'), nil
}

// timestamp appends a google.protobuf.Timestamp: "2006-01-02T15:04:05.500Z".
func (r *run) timestamp(dst []byte, p *program, s span) ([]byte, *WireError) {
	secs, nanos, err := r.sinceEpoch(p, s)
	if err != nil {
		return dst, err
	}
	switch {
	case secs < minTimestamp || secs > maxTimestamp:
		return dst, noJSON(p, s, "%d seconds are out of range", secs)
	case nanos < 0 || nanos >= secondNanos:
		return dst, noJSON(p, s, "%d nanoseconds are out of range", nanos)
	}
	return appendTime(dst, secs, int(nanos)), nil
}

// appendTime appends a time since 1970 in UTC, as RFC 3339 has it. Its year is one from 1 to 9999.
func appendTime(dst []byte, secs int64, nanos int) []byte {
	const day = 24 * 60 * 60
	since := uint64(secs - minTimestamp)
	second := since % day
	date := digits8(civil(since/day)) | asciiZeros
	clock := digits8(second/3600*10_000+second/60%60*100+second%60) | asciiZeros
	dst = slices.Grow(dst, block)
	n := len(dst)
	out := (*[block]byte)(dst[n : n+block]) // the longest: "2006-01-02T15:04:05.123456789Z"
	out[0] = '"'
	binary.LittleEndian.PutUint32(out[1:], uint32(date))
	out[5] = '-'
	binary.LittleEndian.PutUint16(out[6:], uint16(date>>32))
	out[8] = '-'
	binary.LittleEndian.PutUint16(out[9:], uint16(date>>48))
	out[11] = 'T'
	binary.LittleEndian.PutUint16(out[12:], uint16(clock>>16))
	out[14] = ':'
	binary.LittleEndian.PutUint16(out[15:], uint16(clock>>32))
	out[17] = ':'
	binary.LittleEndian.PutUint16(out[18:], uint16(clock>>48))
	return append(appendNanos(dst[:n+20], uint64(nanos)), 'Z', '"')
}

// civil returns the date that is so many days after January 1 of the year 1, as the number 20060102. It is
// figure 12 of Neri and Schneider, Euclidean affine functions and their application to calendar algorithms
// (2022): years are counted from March on, so that a leap day comes last.
func civil(days uint64) uint64 {
	const (
		cycle = 146_097 // days in 400 years
		year  = 2_939_745
		month = 2_141
	)
	n := 4*(days+306) + 3 // 306 days since March 1 of the year 0
	century := n / cycle
	n = year * (n%cycle | 3)
	inCentury, yday := n>>32, n&(1<<32-1)/year/4
	n = month*yday + 197_913
	m, date := n>>16, n&(1<<16-1)/month
	y := 100*century + inCentury
	if yday >= 306 { // January or February
		y, m = y+1, m-12
	}
	return y*10_000 + m*100 + date + 1
}

// appendNanos appends a fraction of a second in 0, 3, 6 or 9 digits.
func appendNanos(dst []byte, nanos uint64) []byte {
	if nanos == 0 {
		return dst
	}
	digits := 9
	switch {
	case nanos%1_000_000 == 0:
		digits = 3
	case nanos%1_000 == 0:
		digits = 6
	}
	dst = append(dst, '.')
	n := len(dst)
	dst = binary.LittleEndian.AppendUint64(dst, digits8(nanos/10)|asciiZeros)
	dst = append(dst, byte('0'+nanos%10))
	return dst[:n+digits]
}
