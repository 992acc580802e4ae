package hooktool

import (
	"fmt"
	"testing"
)

func TestSettings(t *testing.T) {
	var s Settings
	if err := decodeJSON([]byte(`{"text":"x","yes":true,"five":5,"fiveish":5.0,"exp":1e3,"half":0.5,"big":9223372036854775807,
		"huge":1e300,"over":1e400,"nothing":null,"list":[]}`), &s); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name string
		get  func() (any, error)
		want string
	}{
		{"text", func() (any, error) { return any2(s.String("text")) }, "x"},
		{"text missing", func() (any, error) { return any2(s.String("none")) }, ""},
		{"text null", func() (any, error) { return any2(s.String("nothing")) }, ""},
		{"text of number", func() (any, error) { return any2(s.String("five")) }, `cannot use "five": it must be text`},
		{"bool", func() (any, error) { return any2(s.Bool("yes")) }, "true"},
		{"bool of text", func() (any, error) { return any2(s.Bool("text")) }, `cannot use "text": it must be true or false`},
		{"int", func() (any, error) { return any2(s.Int("five")) }, "5"},
		{"int as float", func() (any, error) { return any2(s.Int("fiveish")) }, "5"},
		{"int with exponent", func() (any, error) { return any2(s.Int("exp")) }, "1000"},
		{"int, largest", func() (any, error) { return any2(s.Int("big")) }, "9223372036854775807"},
		{"int missing", func() (any, error) { return any2(s.Int("none")) }, "0"},
		{"int of half", func() (any, error) { return any2(s.Int("half")) }, `cannot use "half": it must be a whole number`},
		{"int too large", func() (any, error) { return any2(s.Int("huge")) }, `cannot use "huge": it must be a whole number`},
		{"int of list", func() (any, error) { return any2(s.Int("list")) }, `cannot use "list": it must be a whole number`},
		{"float", func() (any, error) { return any2(s.Float("half")) }, "0.5"},
		{"float missing", func() (any, error) { return any2(s.Float("none")) }, "0"},
		{"float not finite", func() (any, error) { return any2(s.Float("over")) }, `cannot use "over": it must be a number`},
		{"has", func() (any, error) { return s.Has("list"), nil }, "true"},
		{"has null", func() (any, error) { return s.Has("nothing"), nil }, "false"},
		{"has missing", func() (any, error) { return s.Has("none"), nil }, "false"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			value, err := c.get()
			got := fmt.Sprint(value)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
