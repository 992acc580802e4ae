// Package window says when steps of a rollout may begin: maintenance windows
// such as "Sat,Sun 02:00-04:00 Europe/Berlin".
//
// A text holds one window or several, separated by semicolons:
//
//	[DAYS ]HH:MM-HH:MM[ ZONE]
//
// DAYS are names of days and ranges of them, separated by commas ("Mon-Fri,Sun");
// without them the window opens every day. The days are those on which it opens:
// one whose end is not after its beginning ends on the next day, and 00:00-24:00
// lasts the whole day. ZONE is a name of the time zone database; without it the
// times are UTC. The empty text is always open.
package window

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Bounds of what is read.
const (
	maxText    = 1024 // bytes
	maxWindows = 20
)

// Windows are the times in which steps may begin. The zero value is always
// open.
type Windows struct{ list []window }

// window opens on each of its days, in its zone.
type window struct {
	days       [7]bool // by time.Weekday
	begin, end int     // minutes from midnight; end may lie on the next day
	zone       *time.Location
}

// Parse reads a text as the package describes it.
func Parse(text string) (Windows, error) {
	if len(text) > maxText {
		return Windows{}, fmt.Errorf("longer than %d bytes", maxText)
	}
	if strings.TrimSpace(text) == "" {
		return Windows{}, nil
	}
	parts := strings.Split(text, ";")
	if len(parts) > maxWindows {
		return Windows{}, fmt.Errorf("more than %d windows", maxWindows)
	}
	var w Windows
	for _, part := range parts {
		one, err := parseWindow(strings.Fields(part))
		if err != nil {
			return Windows{}, fmt.Errorf("%.60q: %w", strings.TrimSpace(part), err)
		}
		w.list = append(w.list, one)
	}
	return w, nil
}

// errForm tells how a window is written.
var errForm = errors.New(`not of the form "[DAYS] HH:MM-HH:MM [ZONE]", such as "Sat,Sun 02:00-04:00 Europe/Berlin"`)

func parseWindow(fields []string) (window, error) {
	w := window{days: [7]bool{true, true, true, true, true, true, true}, zone: time.UTC}
	if len(fields) > 0 && !isDigit(fields[0][0]) {
		days, err := parseDays(fields[0])
		if err != nil {
			return window{}, err
		}
		w.days, fields = days, fields[1:]
	}
	if len(fields) < 1 || len(fields) > 2 {
		return window{}, errForm
	}
	if len(fields) == 2 {
		zone, err := parseZone(fields[1])
		if err != nil {
			return window{}, err
		}
		w.zone = zone
	}
	begin, end, ok := strings.Cut(fields[0], "-")
	var errBegin, errEnd error
	w.begin, errBegin = parseClock(begin)
	w.end, errEnd = parseClock(end)
	if err := errors.Join(errBegin, errEnd); !ok || err != nil || w.begin == minutesADay {
		return window{}, errForm
	}
	if w.begin == w.end {
		return window{}, errors.New("begins and ends at the same time; 00:00-24:00 is the whole day")
	}
	if w.end < w.begin {
		w.end += minutesADay
	}
	return w, nil
}

const minutesADay = 24 * 60

// parseClock reads HH:MM, from 00:00 to 24:00, as minutes from midnight.
func parseClock(text string) (int, error) {
	hours, minutes, ok := strings.Cut(text, ":")
	if !ok || len(hours) != 2 || len(minutes) != 2 {
		return 0, errForm
	}
	h, errH := strconv.ParseUint(hours, 10, 8)
	m, errM := strconv.ParseUint(minutes, 10, 8)
	at := int(h)*60 + int(m)
	if errH != nil || errM != nil || m > 59 || at > minutesADay {
		return 0, errForm
	}
	return at, nil
}

func parseDays(text string) (days [7]bool, err error) {
	for item := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(item, "-")
		from, err := parseDay(first)
		if err != nil {
			return days, err
		}
		to := from
		if isRange {
			if to, err = parseDay(last); err != nil {
				return days, err
			}
		}
		for day := from; ; day = (day + 1) % 7 {
			days[day] = true
			if day == to {
				break
			}
		}
	}
	return days, nil
}

func parseDay(text string) (time.Weekday, error) {
	for day := time.Sunday; day <= time.Saturday; day++ {
		if name := day.String(); strings.EqualFold(text, name) || strings.EqualFold(text, name[:3]) {
			return day, nil
		}
	}
	return 0, fmt.Errorf("%.20q is not a day, such as Sat or Mon-Fri", text)
}

// parseZone takes names of the time zone database alone: "Local" would mean
// another time on each machine.
func parseZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("time zone %.40q is not known on this machine; UTC and names such as Europe/Berlin are, if tzdata is installed", name)
	}
	return zone, nil
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// Always reports whether there is no time at which it is closed for want of a
// window.
func (w Windows) Always() bool { return len(w.list) == 0 }

// Open reports whether a step may begin at t.
func (w Windows) Open(t time.Time) bool {
	if w.Always() {
		return true
	}
	_, open := w.around(t)
	return open
}

// Opens returns when a step may begin at t or later: t itself if it is open.
func (w Windows) Opens(t time.Time) time.Time {
	if w.Always() {
		return t
	}
	next, open := w.around(t)
	if open {
		return t
	}
	return next
}

// Closes returns when no step may begin any more that could at t, in which it is
// open: the zero time if that is not within the next week.
func (w Windows) Closes(t time.Time) time.Time {
	limit := t.AddDate(0, 0, 7)
	for at := t; !w.Always() && at.Before(limit); {
		end := time.Time{}
		for _, one := range w.list {
			local := at.In(one.zone)
			for offset := -2; offset <= 2; offset++ {
				from, to, opens := one.on(local.AddDate(0, 0, offset))
				if opens && !at.Before(from) && at.Before(to) && to.After(end) {
					end = to
				}
			}
		}
		if end.IsZero() {
			return at
		}
		at = end
	}
	return time.Time{}
}

// around returns the first beginning after t, and whether t lies in a window.
// A window opens at least once in the seven days that follow a day; the day
// before may last into it, and local dates differ from each other by a day.
func (w Windows) around(t time.Time) (next time.Time, open bool) {
	for _, one := range w.list {
		local := t.In(one.zone)
		for offset := -2; offset <= 8; offset++ {
			begin, end, opens := one.on(local.AddDate(0, 0, offset))
			switch {
			case !opens:
			case !t.Before(begin) && t.Before(end):
				open = true
			case begin.After(t) && (next.IsZero() || begin.Before(next)):
				next = begin
			}
		}
	}
	return next, open
}

// on returns the window of the day of a local time. A clock that is put
// forward or back moves its ends with it: a time that does not exist is the one
// that time.Date takes for it.
func (w window) on(local time.Time) (begin, end time.Time, opens bool) {
	year, month, day := local.Date()
	at := func(minutes int) time.Time { return time.Date(year, month, day, 0, minutes, 0, 0, w.zone) }
	begin = at(w.begin)
	// The weekday is the calendar's: begin may have been moved by a clock change.
	weekday := time.Date(year, month, day, 12, 0, 0, 0, time.UTC).Weekday()
	return begin, at(w.end), w.days[weekday]
}
