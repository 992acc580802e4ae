package codec

import (
	"errors"
	"time"
	"unicode/utf8"
)

var errTimestamp = errors.New("not an ISO 8601 timestamp")

// ParseTimestamp reads what Python's datetime.fromisoformat (3.11 and later)
// reads: dates by month or by week, with or without separators, any one
// character before the time, and offsets down to the microsecond. It is as lax
// as the reference, for a stamp that one side reads and the other does not
// would break the order of grants.
func ParseTimestamp(s string) (Timestamp, error) {
	if len(s) < len("YYYYWww") || !utf8.ValidString(s) {
		return Timestamp{}, errTimestamp
	}
	sep := separatorAt(s)
	date, ok := parseDate(s, sep)
	if !ok {
		return Timestamp{}, errTimestamp
	}
	t := Timestamp{local: date.UnixMicro(), form: naive}
	if len(s) > sep {
		_, size := utf8.DecodeRuneInString(s[sep:])
		if !t.parseTime(s[sep+size:]) {
			return Timestamp{}, errTimestamp
		}
	}
	return t, nil
}

// separatorAt is where the date ends and the character before the time stands.
func separatorAt(s string) int {
	if len(s) == 7 {
		return 7
	}
	switch {
	case s[4] == '-' && s[5] == 'W': // YYYY-Www or YYYY-Www-D
		if byteAt(s, 8) != '-' {
			return 8
		}
		if isDigit(byteAt(s, 10)) { // a dash before the hour, rather than a digit
			return 8
		}
		return 10
	case s[4] == '-':
		return 10
	case s[4] == 'W': // YYYYWww or YYYYWwwD
		return weekSeparatorAt(s)
	}
	return 8
}

// weekSeparatorAt tells YYYYWww from YYYYWwwD. The digits of a time come in
// pairs: an odd number of them begins with the day of the week.
func weekSeparatorAt(s string) int {
	end := 7
	for isDigit(byteAt(s, end)) {
		end++
	}
	switch {
	case end < 9:
		return end
	case end%2 == 0:
		return 7
	}
	return 8
}

// parseDate reads the date in the first end bytes of s.
func parseDate(s string, end int) (time.Time, bool) {
	year, ok := number(s, 0, 4)
	if !ok || year < 1 {
		return time.Time{}, false
	}
	pos := 4
	dash := byteAt(s, pos) == '-'
	if dash {
		pos++
	}
	if byteAt(s, pos) == 'W' {
		return parseWeek(s, pos+1, end, year, dash)
	}
	month, ok := number(s, pos, 2)
	pos += 2
	if !ok || dash && byteAt(s, pos) != '-' {
		return time.Time{}, false
	}
	if dash {
		pos++
	}
	day, ok := number(s, pos, 2)
	if !ok {
		return time.Time{}, false
	}
	date := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	return date, date.Year() == year && int(date.Month()) == month && date.Day() == day
}

// parseWeek reads the week and the day of the week, Monday if there is none.
func parseWeek(s string, pos, end, year int, dash bool) (time.Time, bool) {
	week, ok := number(s, pos, 2)
	pos += 2
	day := 1
	if ok && pos < end {
		if dash && byteAt(s, pos) != '-' {
			return time.Time{}, false
		}
		if dash {
			pos++
		}
		day, ok = number(s, pos, 1)
	}
	_, weeks := time.Date(year, 12, 28, 0, 0, 0, 0, time.UTC).ISOWeek()
	if !ok || week < 1 || week > weeks || day < 1 || day > 7 {
		return time.Time{}, false
	}
	// January 4 is in week 1.
	monday := 4 - (int(time.Date(year, 1, 4, 0, 0, 0, 0, time.UTC).Weekday())+6)%7
	date := time.Date(year, 1, monday+(week-1)*7+day-1, 0, 0, 0, 0, time.UTC)
	return date, date.Year() <= 9999
}

// parseTime adds the time of day in s and sets the offset, if there is one.
func (t *Timestamp) parseTime(s string) bool {
	zone := 0
	for zone < len(s) && s[zone] != '+' && s[zone] != '-' && s[zone] != 'Z' {
		zone++
	}
	clock, rest, ok := parseClock(s, 0, zone)
	if !ok || clock[0] > 23 || clock[1] > 59 || clock[2] > 59 {
		return false
	}
	t.local += clock.micros()
	if zone == len(s) {
		return !rest
	}
	t.form = aware
	if s[zone] == 'Z' {
		return byteAt(s, zone+1) == 0
	}
	offset, rest, ok := parseClock(s, zone+1, len(s))
	if !ok || rest || offset.micros() >= 24*time.Hour.Microseconds() {
		return false
	}
	t.offset = offset.micros()
	if t.offset < 1e6 { // a fraction alone is no offset
		t.offset = 0
	}
	if s[zone] == '-' {
		t.offset = -t.offset
	}
	return true
}

// clockTime is hours, minutes, seconds and microseconds.
type clockTime [4]int

func (c clockTime) micros() int64 {
	return (int64(c[0])*3600+int64(c[1])*60+int64(c[2]))*1e6 + int64(c[3])
}

// parseClock reads HH[[:]MM[[:]SS[.ffffff]]] from s[pos:end]. It reports
// whether there is more after it, which only matters without an offset.
func parseClock(s string, pos, end int) (c clockTime, rest, ok bool) {
	colons := false
	for i := range 3 {
		if c[i], ok = number(s, pos, 2); !ok {
			return c, false, false
		}
		after := byteAt(s, pos+2)
		pos += 3
		if i == 0 {
			colons = after == ':'
		}
		if pos >= end {
			return c, after != 0, true
		}
		if colons && after == ':' {
			continue
		}
		if after == '.' || after == ',' {
			break
		}
		if colons {
			return c, false, false
		}
		pos--
	}
	digits := min(end-pos, 6)
	if c[3], ok = number(s, pos, digits); !ok {
		return c, false, false
	}
	for range 6 - digits {
		c[3] *= 10
	}
	for pos += digits; isDigit(byteAt(s, pos)); {
		pos++
	}
	return c, byteAt(s, pos) != 0, true
}

// number reads the next n digits.
func number(s string, pos, n int) (v int, ok bool) {
	for i := range n {
		c := byteAt(s, pos+i)
		if !isDigit(c) {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}
