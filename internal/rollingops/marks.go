package rollingops

import (
	"fmt"
	"slices"
	"strings"

	"crypto/sha256"

	"encoding/hex"
)

// mark is a unit that an operator took the lock from, with what its databag
// was. It is last in line as long as the databag stays the same: a unit that is
// dead would get the lock again and keep it.
type mark struct{ unit, digest string }

// marks are those of the application, the newest last. In the databag they are
// a line: "app/1=0123456789abcdef app/2=...".
type marks []mark

// maxMarks bounds how many are kept.
const maxMarks = 16

// readMarks passes over what is none: then a unit is not last in line.
func readMarks(text, local string) marks {
	var found marks
	if len(text) > maxMarks*512 {
		return nil
	}
	for _, field := range strings.Fields(text) {
		unit, digest, ok := strings.Cut(field, "=")
		if ok && sameApplication(unit, local) && len(found) < maxMarks {
			found = append(found, mark{unit, digest})
		}
	}
	return found
}

func (m marks) String() string {
	var fields []string
	for _, mark := range m {
		fields = append(fields, mark.unit+"="+mark.digest)
	}
	return strings.Join(fields, " ")
}

// digest stands for what the unit's databag holds.
func (v unitView) digest() string {
	sum := sha256.New()
	for _, key := range UnitKeys {
		value := v.bag[key]
		fmt.Fprintf(sum, "%d %s", len(value), value)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// isMarked reports whether the unit lost the lock to an operator and has
// committed nothing since, as far as this hook sees.
func (h *Hook) isMarked(v unitView) bool {
	return v.name == h.forced || slices.ContainsFunc(h.view.marks, func(m mark) bool {
		return m.unit == v.name && m.digest == v.digest()
	})
}

// standingMarks are the marks that go on: of units that were read and have not
// changed, or were not read, and that goal-state still has.
func (h *Hook) standingMarks() marks {
	var standing marks
	for _, m := range h.view.marks {
		v, read := h.view.already(m.unit)
		if m.unit != h.forced && (!read || m.digest == v.digest()) && !h.view.gone(m.unit) {
			standing = append(standing, m)
		}
	}
	if v, read := h.view.already(h.forced); read {
		standing = append(standing, mark{h.forced, v.digest()})
	}
	return standing[max(0, len(standing)-maxMarks):]
}
