package rollout

import (
	"fmt"
	"strconv"
	"strings"

	"rolling-ops/internal/codec"
)

// Token names one write of one rollout's record, as 7.3 does the third of
// rollout 7. The zero Token is none.
type Token struct{ ID, Rev int }

// ParseToken reads what String writes; "" is none.
func ParseToken(text string) (Token, error) {
	if text == "" {
		return Token{}, nil
	}
	id, rev, ok := strings.Cut(text, ".")
	t := Token{}
	var err, err2 error
	t.ID, err = parseNumber(id)
	t.Rev, err2 = parseNumber(rev)
	if !ok || err != nil || err2 != nil || t.ID == 0 || t.Rev == 0 {
		return Token{}, fmt.Errorf("%.40q is no token: one looks like 7.3", text)
	}
	return t, nil
}

func (t Token) String() string {
	if t == (Token{}) {
		return ""
	}
	return strconv.Itoa(t.ID) + "." + strconv.Itoa(t.Rev)
}

// Grant says that the grant of the lock that was given at a moment is for a
// unit's step of a rollout. The zero Grant is none.
type Grant struct {
	At codec.Timestamp // granted_at of the grant
	ID int             // of the rollout
}

// ParseGrant reads the value of KeyGrant; "" is none.
func ParseGrant(text string) (Grant, error) {
	if text == "" {
		return Grant{}, nil
	}
	at, id, ok := strings.Cut(text, " ")
	g := Grant{}
	var err, err2 error
	g.At, err = stamp("at", at)
	g.ID, err2 = parseNumber(id)
	if !ok || err != nil || err2 != nil || g.At.IsZero() || g.ID == 0 {
		return Grant{}, fmt.Errorf("cannot read %s: %.60q is no timestamp and rollout", KeyGrant, text)
	}
	return g, nil
}

// String is the value of KeyGrant.
func (g Grant) String() string {
	if g == (Grant{}) {
		return ""
	}
	return g.At.String() + " " + strconv.Itoa(g.ID)
}

// IsFor reports whether g says that the grant given at a moment is for a step
// of r.
func (g Grant) IsFor(r Record, grantedAt codec.Timestamp) bool {
	return g.ID != 0 && g.ID == r.ID && !grantedAt.IsZero() && g.At.Compare(grantedAt) == 0
}
