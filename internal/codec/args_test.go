package codec

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func mustParseArgs(t *testing.T, text string) Args {
	t.Helper()
	a, err := ParseArgs([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestArgsAreWrittenAsPythonWritesThem(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{` { } `, `{}`},
		{`{"b":1,"a":2,"b":3}`, `{"a":2,"b":3}`},
		{`{"\uffee":1,"😀":2,"a":3}`, `{"a":3,"\uffee":1,"\ud83d\ude00":2}`},
		{`{"s":"\u00E9\/<&>\u007f\u2028\n\u0000"}`, `{"s":"\u00e9/<&>\u007f\u2028\n\u0000"}`},
		{`{"i":[-0,123456789012345678901234567890]}`, `{"i":[0,123456789012345678901234567890]}`},
		{`{"f":[-0.0,1E2,1e15,1e16,1e-4,1e-5,1.10,5e-324,1e-400]}`, `{"f":[-0.0,100.0,1000000000000000.0,1e+16,0.0001,1e-05,1.1,5e-324,0.0]}`},
		{`{"l":[true,false,null,[],{},"",{"b":1,"a":[2]}]}`, `{"l":[true,false,null,[],{},"",{"a":[2],"b":1}]}`},
	} {
		t.Run(c.in, func(t *testing.T) {
			if got := mustParseArgs(t, c.in).JSON(); got != c.want {
				t.Errorf("want %s\ngot  %s", c.want, got)
			}
		})
	}
}

func TestParseArgsRefusesWhatPythonRefuses(t *testing.T) {
	for _, text := range []string{
		``, ` `, `null`, `[]`, `{`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `{a:1}`, `{'a':1}`, `{"a":1}}`, `{"a":[1,]}`, `{"a":[,1]}`, `{"a":1 "b":2}`,
		`{"a":01}`, `{"a":1.}`, `{"a":.5}`, `{"a":1e}`, `{"a":-}`, `{"a":+1}`, `{"a":0x1}`, `{"a":1_0}`, `{"a":nul}`, `{"a":True}`,
		`{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\u+123"}`, `{"a":"` + "\t" + `"}`, `{"a":"` + "\x00" + `"}`, `{"a":"\`, "\ufeff{}", "{}\x00", "{}\u00a0", "{\"a\":\"\xff\"}",
	} {
		if a, err := ParseArgs([]byte(text)); err == nil {
			t.Errorf("%q was read as %s", text, a.JSON())
		}
	}
}

func TestArgsEqualIsPythons(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`1`, `1.0`, true},
		{`1`, `true`, true},
		{`0.0`, `false`, true},
		{`0`, `-0.0`, true},
		{`1`, `"1"`, false},
		{`null`, `false`, false},
		{`null`, `null`, true},
		{`"null"`, `null`, false},
		{`"true"`, `true`, false},
		{`0.1`, `0.10`, true},
		{`0.1`, `0.2`, false},
		{`9007199254740993`, `9007199254740992.0`, false},
		{`9007199254740992`, `9007199254740992.0`, true},
		{`10000000000000000000000`, `1e22`, true},
		{`100000000000000000000000`, `1e23`, false},
		{`[1,2]`, `[1.0,2]`, true},
		{`[1,2]`, `[2,1]`, false},
		{`[1]`, `[1,2]`, false},
		{`[]`, `{}`, false},
		{`[]`, `null`, false},
		{`""`, `null`, false},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, true},
		{`{"a":1}`, `{"b":1}`, false},
	} {
		t.Run(c.a+" "+c.b, func(t *testing.T) {
			a, b := mustParseArgs(t, `{"x":`+c.a+`}`), mustParseArgs(t, `{"x":`+c.b+`}`)
			if a.Equal(b) != c.want || b.Equal(a) != c.want {
				t.Errorf("want %t", c.want)
			}
		})
	}
	if !mustParseArgs(t, "{}").Equal(Args{}) {
		t.Error("the zero Args are not empty")
	}
}

func TestNewArgsTakesGoValues(t *testing.T) {
	type name string
	a, err := NewArgs(map[string]any{
		"nil": nil, "bool": true, "int": int8(-1), "uint": uint64(math.MaxUint64), "float": 2.0, "float32": float32(0.5),
		"string": "é", "named": name("n"), "number": json.Number("1.50"), "bytes": []byte{1, 2}, "array": [2]bool{true, false},
		"list": []any{1, "x", nil}, "strings": []string(nil), "map": map[name]int{"b": 2, "a": 1}, "no map": map[string]int(nil),
		"pointer": new(int), "no pointer": (*int)(nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"array":[true,false],"bool":true,"bytes":[1,2],"float":2.0,"float32":0.5,"int":-1,"list":[1,"x",null],` +
		`"map":{"a":1,"b":2},"named":"n","nil":null,"no map":null,"no pointer":null,"number":1.5,"pointer":0,"string":"\u00e9","strings":null,"uint":18446744073709551615}`
	if got := a.JSON(); got != want {
		t.Errorf("want %s\ngot  %s", want, got)
	}
}

func TestNewArgsRefusesWhatHasNoJSONForm(t *testing.T) {
	loop := map[string]any{}
	loop["loop"] = loop
	var self any
	self = &self
	for _, c := range []struct {
		value any
		want  string
	}{
		{math.NaN(), `"x": a float that is not a number or not finite`},
		{[]float64{1, math.Inf(1)}, `"x": item 1: a float that is not a number or not finite`},
		{"\xff", `"x": not valid UTF-8`},
		{map[string]int{"\xff": 1}, `"x": not valid UTF-8`},
		{map[int]int{1: 1}, `"x": a map[int]int has no JSON form`},
		{struct{}{}, `"x": a struct {} has no JSON form`},
		{func() {}, `"x": a func() has no JSON form`},
		{json.Number("x"), `"x": a json.Number that is none`},
		{json.Number("true"), `"x": a json.Number that is none`},
		{loop, `too large: nested more than 989 deep`},
		{self, `too large: nested more than 989 deep`},
	} {
		t.Run(c.want, func(t *testing.T) {
			_, err := NewArgs(map[string]any{"x": c.value})
			if err == nil || !strings.HasPrefix(err.Error(), "cannot use kwargs: ") || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Whatever NewArgs takes can be read back.
func TestNewArgsIsAsDeepAsParseArgs(t *testing.T) {
	for _, c := range []struct {
		lists int
		ok    bool
	}{{maxDepth - 1, true}, {maxDepth, false}} {
		var v any = 1
		for range c.lists {
			v = []any{v}
		}
		a, err := NewArgs(map[string]any{"x": v})
		if c.ok {
			mustParseArgs(t, a.JSON())
		}
		if (err == nil) != c.ok {
			t.Errorf("%d lists: want ok: %t, got %v", c.lists, c.ok, err)
		}
	}
}

func TestArgsMapKeepsNumbers(t *testing.T) {
	a := mustParseArgs(t, `{"i":1,"f":1.0,"b":true,"n":null,"s":"é","l":[2,{"k":1e22}]}`)
	want := map[string]any{
		"i": json.Number("1"), "f": json.Number("1.0"), "b": true, "n": nil, "s": "é",
		"l": []any{json.Number("2"), map[string]any{"k": json.Number("1e+22")}},
	}
	if diff := cmp.Diff(want, a.Map()); diff != "" {
		t.Error(diff)
	}
	again, err := NewArgs(a.Map())
	if err != nil || again.JSON() != a.JSON() {
		t.Errorf("%s became %s, %v", a.JSON(), again.JSON(), err)
	}
	if Args.Map(Args{}) == nil {
		t.Error("no map for no arguments")
	}
}

func TestArgsDecode(t *testing.T) {
	type target struct {
		Delay float64 `json:"delay"`
		Force bool
		Hosts []string       `json:"hosts,omitempty"`
		Extra map[string]any `json:"extra"`
		Skip  int            `json:"-"`
	}
	for _, c := range []struct {
		args, err string
		want      target
	}{
		{args: `{}`, want: target{Delay: 5}},
		{args: `{"delay":2,"Force":true,"hosts":["a"]}`, want: target{Delay: 2, Force: true, Hosts: []string{"a"}}},
		{args: `{"delay":null}`, want: target{Delay: 5}},
		{args: `{"Delay":2}`, err: `unknown argument "Delay"`},
		{args: `{"force":true}`, err: `unknown argument "force"`},
		{args: `{"Skip":1}`, err: `unknown argument "Skip"`},
		{args: `{"delay":"hunter2"}`, err: `argument "delay" is a string, not a float64`},
		{args: `{"Force":1234}`, err: `argument "Force" is a number, not a bool`},
		{args: `{"hosts":[1]}`, err: `argument "hosts" is a number, not a string`},
	} {
		t.Run(c.args, func(t *testing.T) {
			got := target{Delay: 5}
			err := mustParseArgs(t, c.args).Decode(&got)
			if c.err != "" {
				if err == nil || err.Error() != "cannot decode kwargs: "+c.err {
					t.Errorf("want %s, got %v", c.err, err)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Error(diff, err)
			}
		})
	}
}

// FuzzArgs: what is read is written so that it is read as the same, by this
// package and by encoding/json.
func FuzzArgs(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":1,"a":1.0}`, `{"s":"\ud83d\ude00é\n"}`, `{"f":[1e16,-0.0,0.1,5e-324]}`, `{"i":123456789012345678901234567890}`,
		`{"d":{"z":[[{"b":null,"a":true}]]}}`, `{"a":1e999}`, `{"a":NaN}`, `{"a":"\ud800"}`, `[]`, `{"a":[[[[`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := ParseArgs(text)
		if err != nil {
			return
		}
		written := a.JSON()
		if strings.Trim(written, asciiPrintable) != "" || !json.Valid([]byte(written)) {
			t.Fatalf("%q is not JSON in ASCII", written)
		}
		b, err := ParseArgs([]byte(written))
		if err != nil || b.JSON() != written || !a.Equal(b) || !b.Equal(a) {
			t.Fatalf("%q became %q, %v", written, b.JSON(), err)
		}
		c, err := NewArgs(a.Map())
		if err != nil || c.JSON() != written {
			t.Fatalf("%q became %q by way of a map, %v", written, c.JSON(), err)
		}
	})
}

var asciiPrintable = func() string {
	var b strings.Builder
	for c := byte(' '); c <= '~'; c++ {
		b.WriteByte(c)
	}
	return b.String()
}()
