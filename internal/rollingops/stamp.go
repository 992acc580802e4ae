package rollingops

import (
	"time"

	"rolling-ops/internal/codec"
)

// Stamps are a logical clock. A clock's readings count up to lastReading, and
// from there grants and attempts go on in microseconds: they would need the
// attempts of all ages to get past lastStamp. What lies past it is foreign:
// no unit has written it, and it means nothing.
var (
	lastReading = endOf(9997)
	lastStamp   = endOf(9998)
)

func endOf(year int) codec.Timestamp {
	return codec.TimestampOf(time.Date(year+1, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Microsecond))
}

// reading is the wall clock as it counts for a stamp.
func (m *Manager) reading() codec.Timestamp {
	if now := codec.TimestampOf(m.Clock.Now()); now.Compare(lastReading) < 0 {
		return now
	}
	return lastReading
}

// next is the stamp of what comes after another stamp: the clock's reading,
// unless that does not lie after it.
func next(reading, after codec.Timestamp) codec.Timestamp {
	if tick := after.Add(time.Microsecond); !after.IsZero() && tick.Compare(reading) > 0 {
		return tick
	}
	return reading
}

// readStamp returns the zero Timestamp for a text that is missing, unreadable
// or foreign, and reports whether it is foreign.
func readStamp(text string) (at codec.Timestamp, foreign bool) {
	at, err := codec.ParseTimestamp(text)
	switch {
	case err != nil:
		return codec.Timestamp{}, false
	case at.Compare(lastStamp) > 0:
		return codec.Timestamp{}, true
	}
	return at, false
}

// roomFor reports whether so many stamps can follow the given one.
func roomFor(stamps int, at codec.Timestamp) bool {
	return at.Add(time.Duration(stamps)*time.Microsecond).Compare(lastStamp) <= 0
}

func later(a, b codec.Timestamp) codec.Timestamp {
	if a.Compare(b) < 0 {
		return b
	}
	return a
}
