package pbwire

import "strconv"

const (
	maxDuration  = 315_576_000_000 // seconds: 10,000 years
	minTimestamp = -62_135_596_800 // seconds: 0001-01-01T00:00:00Z
	maxTimestamp = 253_402_300_799 // seconds: 9999-12-31T23:59:59Z
	secondNanos  = 1_000_000_000
)

// duration appends a google.protobuf.Duration: "1.500s".
func (r *run) duration(dst []byte, p *program, s span) ([]byte, *WireError) {
	values, err := r.scalars(p, s)
	if err != nil {
		return dst, err
	}
	secs, nanos := int64(r.number(values[0])), int64(int32(r.number(values[1])))
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
	dst = strconv.AppendInt(dst, secs, 10)
	return append(appendNanos(dst, int(nanos)), 's', '"'), nil
}

// timestamp appends a google.protobuf.Timestamp: "2006-01-02T15:04:05.500Z".
func (r *run) timestamp(dst []byte, p *program, s span) ([]byte, *WireError) {
	values, err := r.scalars(p, s)
	if err != nil {
		return dst, err
	}
	secs, nanos := int64(r.number(values[0])), int64(int32(r.number(values[1])))
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
	secs -= minTimestamp
	year, month, date := civil(int(secs / day))
	second := int(secs % day)
	dst = append(dst, '"')
	dst = appendDigits(dst, year/100)
	dst = append(appendDigits(dst, year%100), '-')
	dst = append(appendDigits(dst, month), '-')
	dst = append(appendDigits(dst, date), 'T')
	dst = append(appendDigits(dst, second/3600), ':')
	dst = append(appendDigits(dst, second/60%60), ':')
	dst = appendDigits(dst, second%60)
	return append(appendNanos(dst, nanos), 'Z', '"')
}

// civil returns the date that is so many days after January 1 of the year 1. Years are counted from
// March on, so that a leap day comes last.
func civil(days int) (year, month, date int) {
	const (
		cycle   = 146_097 // days in 400 years
		century = 36_524
		leap    = 1_461 // days in four years
	)
	days += 306 // since March 1 of the year 0
	cycles, inCycle := days/cycle, days%cycle
	inYear := (inCycle - inCycle/(leap-1) + inCycle/century - inCycle/(cycle-1)) / 365
	year = cycles*400 + inYear
	yday := inCycle - (365*inYear + inYear/4 - inYear/100)
	m := (5*yday + 2) / 153
	date = yday - (153*m+2)/5 + 1
	if m < 10 {
		return year, m + 3, date
	}
	return year + 1, m - 9, date
}

// appendDigits appends a number below 100 in two digits.
func appendDigits(dst []byte, n int) []byte {
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

// appendNanos appends a fraction of a second in 0, 3, 6 or 9 digits.
func appendNanos(dst []byte, nanos int) []byte {
	if nanos == 0 {
		return dst
	}
	digits := 9
	for nanos%1000 == 0 {
		nanos /= 1000
		digits -= 3
	}
	dst = append(dst, '.')
	end := len(dst) + digits
	for range digits {
		dst = append(dst, '0')
	}
	for i := end - 1; nanos > 0; i-- {
		dst[i] += byte(nanos % 10)
		nanos /= 10
	}
	return dst
}
