package codec

import (
	"cmp"
	"time"
)

// Timestamp is a moment as Python's datetime holds it: in microseconds, from
// year 1 to 9999, with the offset from UTC that it was written with, if any.
// Without one it is read as UTC. The zero Timestamp is no moment and lies
// before all that are one.
type Timestamp struct {
	local  int64 // microseconds from 1970-01-01T00:00:00 to the date and time as written
	offset int64 // microseconds east of UTC
	form   stampForm
}

type stampForm uint8

const (
	noStamp stampForm = iota
	naive             // without an offset
	aware
)

// The first and the last moment that Python knows, as Timestamp.local.
var (
	firstLocal = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	lastLocal  = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() - 1
)

// TimestampOf is t in UTC, cut down to microseconds. What lies outside of
// years 1 to 9999 becomes the first or the last moment in them.
func TimestampOf(t time.Time) Timestamp {
	switch year := t.UTC().Year(); {
	case year < 1:
		return Timestamp{local: firstLocal, form: aware}
	case year > 9999:
		return Timestamp{local: lastLocal, form: aware}
	}
	return Timestamp{local: t.UnixMicro(), form: aware}
}

// IsZero reports whether t is no moment.
func (t Timestamp) IsZero() bool { return t.form == noStamp }

// utc is the moment itself, in microseconds since 1970.
func (t Timestamp) utc() int64 { return t.local - t.offset }

// Time is the moment in UTC, the zero time for no moment.
func (t Timestamp) Time() time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return time.UnixMicro(t.utc()).UTC()
}

// Compare returns -1, 0 or 1 as t lies before, at or after u.
func (t Timestamp) Compare(u Timestamp) int {
	if t.IsZero() || u.IsZero() {
		return cmp.Compare(min(t.form, 1), min(u.form, 1))
	}
	return cmp.Compare(t.utc(), u.utc())
}

// Add returns t+d, cut down to microseconds, with the same offset; at the most
// the first or the last moment that there is. No moment stays none.
func (t Timestamp) Add(d time.Duration) Timestamp {
	if !t.IsZero() {
		t.local = min(max(t.local+d.Microseconds(), firstLocal), lastLocal)
	}
	return t
}

// String is t as Python's isoformat() writes it: the fraction only if it is
// not zero, the offset only if there is one. No moment is "".
func (t Timestamp) String() string {
	if t.IsZero() {
		return ""
	}
	return string(t.append(make([]byte, 0, len("2006-01-02T15:04:05.000000+00:00"))))
}

func (t Timestamp) append(b []byte) []byte {
	at := time.UnixMicro(t.local).UTC()
	year, month, day := at.Date()
	hour, minute, second := at.Clock()
	b = append(appendPadded(b, year, 4), '-')
	b = append(appendPadded(b, int(month), 2), '-')
	b = append(appendPadded(b, day, 2), 'T')
	b = append(appendPadded(b, hour, 2), ':')
	b = append(appendPadded(b, minute, 2), ':')
	b = appendPadded(b, second, 2)
	if us := at.Nanosecond() / 1000; us != 0 {
		b = appendPadded(append(b, '.'), us, 6)
	}
	if t.form == naive {
		return b
	}
	return appendOffset(b, t.offset)
}

// appendOffset writes an offset as +HH:MM, with seconds and microseconds only
// if they are not zero.
func appendOffset(b []byte, offset int64) []byte {
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	seconds, us := int(offset/1e6), int(offset%1e6)
	b = appendPadded(append(b, sign), seconds/3600, 2)
	b = appendPadded(append(b, ':'), seconds/60%60, 2)
	if seconds%60 != 0 || us != 0 {
		b = appendPadded(append(b, ':'), seconds%60, 2)
	}
	if us != 0 {
		b = appendPadded(append(b, '.'), us, 6)
	}
	return b
}

// appendPadded writes n with zeros in front up to a width.
func appendPadded(b []byte, n, width int) []byte {
	start := len(b)
	for range width {
		b = append(b, '0')
	}
	for i := start + width - 1; n > 0; i, n = i-1, n/10 {
		b[i] = byte('0' + n%10)
	}
	return b
}
