package codec

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// queueOf is the text of a queue with one entry.
func queueOf(entry string) string { return "[" + string(appendString(nil, entry)) + "]" }

const goodEntry = `{"callback_id":"restart","kwargs":"{}","requested_at":"2026-03-01T12:00:00+00:00","max_retry":"","attempt":"0"}`

// entryWith is goodEntry with another JSON value for one field, "" to leave it
// out.
func entryWith(field, value string) string {
	v, _ := new(parser).parse(goodEntry)
	var kept []string
	for _, m := range v.items {
		text := string(m.append(nil))
		if m.name == field {
			text = value
		}
		if text != "" {
			kept = append(kept, fmt.Sprintf("%q:%s", m.name, text))
		}
	}
	return "{" + strings.Join(kept, ",") + "}"
}

func TestParseQueueIsAsLaxAsPython(t *testing.T) {
	for _, c := range []struct{ field, value, want string }{
		{"callback_id", `" x "`, " x "},
		{"callback_id", `"\u200b"`, "\u200b"},
		{"kwargs", `""`, "{}"},
		{"kwargs", `null`, "{}"},
		{"kwargs", `false`, "{}"},
		{"kwargs", `0.0`, "{}"},
		{"kwargs", `[]`, "{}"},
		{"kwargs", ``, "{}"},
		{"kwargs", `" {\"b\":1,\"a\":-0,\"b\":1E2} "`, `{"a":0,"b":100.0}`},
		{"requested_at", `"20260301"`, "2026-03-01T00:00:00"},
		{"max_retry", `null`, ""},
		{"max_retry", `0`, ""},
		{"max_retry", `-0.0`, ""},
		{"max_retry", `""`, ""},
		{"max_retry", ``, ""},
		{"max_retry", `"0"`, "0"},
		{"max_retry", `"-0"`, "0"},
		{"max_retry", `-0.5`, "0"},
		{"max_retry", `true`, "1"},
		{"max_retry", `" +1_000\n"`, "1000"},
		{"max_retry", `"\u2003\u0663\u00a0"`, "3"},
		{"max_retry", `1e22`, "10000000000000000000000"},
		{"attempt", `"007"`, "7"},
		{"attempt", `false`, "0"},
		{"attempt", `1.9`, "1"},
		{"attempt", `"999999999999999999999"`, "999999999999999999999"},
	} {
		t.Run(c.field+"="+c.value, func(t *testing.T) {
			q, err := ParseQueue(queueOf(entryWith(c.field, c.value)))
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]string{
				"callback_id": q[0].CallbackID, "kwargs": q[0].Kwargs.JSON(), "requested_at": q[0].RequestedAt.String(),
				"max_retry": q[0].MaxRetry.String(), "attempt": q[0].Attempt.String(),
			}[c.field]
			if got != c.want {
				t.Errorf("want %q, got %q", c.want, got)
			}
		})
	}
}

func TestParseQueueSaysWhatIsWrongWithoutValues(t *testing.T) {
	const secret = "hunter2"
	for _, c := range []struct{ text, want string }{
		{`"` + secret + `"`, "expected a list, not a string"},
		{`[`, "invalid JSON at byte 1: no value here"},
		{"\ufeff[]", "invalid JSON at byte 0: no value here"},
		{`[] ` + secret, "invalid JSON at byte 3: more after the end"},
		{"[\"\xff\"]", "not valid UTF-8"},
		{`[null]`, "entry 0: expected a string, not null"},
		{`["{}", 1]`, "entry 0: callback_id: is missing"},
		{queueOf(`[]`), "entry 0: expected an object, not a list"},
		{queueOf(`{"` + secret), "entry 0: invalid JSON at byte 9: a string without an end"},
		{queueOf(entryWith("callback_id", `1`)), "entry 0: callback_id: expected a string, not an integer"},
		{queueOf(entryWith("callback_id", `"\u001c\u3000"`)), "entry 0: callback_id: is blank"},
		{queueOf(entryWith("callback_id", `"\ud800"`)), "entry 0: invalid JSON at byte 30: an escape that is none, or half a surrogate pair"},
		{queueOf(entryWith("kwargs", `"{\"a\":`+secret+`}"`)), "entry 0: kwargs: invalid JSON at byte 5: no value here"},
		{queueOf(entryWith("kwargs", `"{\"a\":NaN}"`)), "entry 0: kwargs: invalid JSON at byte 5: no value here"},
		{queueOf(entryWith("kwargs", `"{\"a\":1e400}"`)), "entry 0: kwargs: too large: a number beyond the range of a float"},
		{queueOf(entryWith("kwargs", `"[1]"`)), "entry 0: kwargs: expected an object, not a list"},
		{queueOf(entryWith("kwargs", `{"a":1}`)), "entry 0: kwargs: expected a string, not an object"},
		{queueOf(entryWith("requested_at", `"`+secret+`"`)), "entry 0: requested_at: not an ISO 8601 timestamp"},
		{queueOf(entryWith("requested_at", ``)), "entry 0: requested_at: is missing"},
		{queueOf(entryWith("max_retry", `"-1"`)), "entry 0: max_retry: is negative"},
		{queueOf(entryWith("max_retry", `"1.0"`)), "entry 0: max_retry: not an integer"},
		{queueOf(entryWith("max_retry", `[1]`)), "entry 0: max_retry: not an integer: a list"},
		{queueOf(entryWith("attempt", `null`)), "entry 0: attempt: not an integer: null"},
		{queueOf(entryWith("attempt", `""`)), "entry 0: attempt: not an integer"},
		{queueOf(entryWith("attempt", ``)), "entry 0: attempt: is missing"},
	} {
		t.Run(c.want, func(t *testing.T) {
			_, err := ParseQueue(c.text)
			var wrong *DecodeError
			if !errors.As(err, &wrong) {
				t.Fatalf("want a *DecodeError, got %v", err)
			}
			if want := "cannot decode operations: " + c.want; err.Error() != want {
				t.Errorf("want %s\ngot  %s", want, err)
			}
		})
	}
}

func TestParseQueueBoundsWhatItReads(t *testing.T) {
	nested := func(n int) string {
		return queueOf(entryWith("kwargs", `"{\"a\":`+strings.Repeat("[", n)+strings.Repeat("]", n)+`}"`))
	}
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"deep", nested(maxDepth - 1), true},
		{"too deep", nested(maxDepth), false},
		{"abyss", strings.Repeat("[", 1<<20), false},
		{"long integer", queueOf(entryWith("attempt", strings.Repeat("1", maxDigits))), true},
		{"too long an integer", queueOf(entryWith("attempt", strings.Repeat("1", maxDigits+1))), false},
		{"too long a numeral", queueOf(entryWith("attempt", `"`+strings.Repeat("0", maxDigits+1)+`"`)), false},
		{"too long", strings.Repeat(" ", maxText-1) + "[]", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseQueue(c.text)
			if c.ok && err != nil || !c.ok && !errors.Is(err, ErrTooLarge) {
				t.Errorf("want ok: %t, got %v", c.ok, err)
			}
		})
	}
}

func TestEncodeRefusesWhatCannotBeReadBack(t *testing.T) {
	good, err := NewOperation("restart", Args{}, noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	long, err := NewArgs(map[string]any{"a": strings.Repeat("x", maxText)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		want   string
		change func(*Operation)
	}{
		{"entry 0: callback_id: is blank", func(op *Operation) { op.CallbackID = "\u3000" }},
		{"entry 0: callback_id: not valid UTF-8", func(op *Operation) { op.CallbackID = "\xff" }},
		{"entry 0: requested_at: is missing", func(op *Operation) { op.RequestedAt = Timestamp{} }},
		{"entry 0: attempt: too large: an integer of more than 4300 digits", func(op *Operation) {
			op.Attempt = Count{strings.Repeat("9", maxDigits)}.next()
		}},
		{"too large: more than 16777216 bytes", func(op *Operation) { op.Kwargs = long }},
	} {
		t.Run(c.want, func(t *testing.T) {
			op := good
			c.change(&op)
			_, err := Queue{op}.Encode()
			if err == nil || err.Error() != "cannot encode operations: "+c.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What is written can be read, up to the last value.
func TestEncodeCountsValuesAsParseQueueDoes(t *testing.T) {
	op, err := NewOperation("restart", Args{}, noon, nil)
	if err != nil {
		t.Fatal(err)
	}
	const others = 1 + 7 + 7 + 1 + 2 // list, two entries, one without kwargs, one with a list in them
	items := slices.Repeat([]value{{kind: intKind, text: "1"}}, maxValues-others+1)
	op.Kwargs = Args{[]value{{kind: listKind, name: "x", items: items}}}
	if _, err := (Queue{{CallbackID: "first", RequestedAt: op.RequestedAt}, op}).Encode(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("one value too many: %v", err)
	}
	op.Kwargs.members[0].items = items[1:]
	text, err := Queue{{CallbackID: "first", RequestedAt: op.RequestedAt}, op}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseQueue(text); err != nil {
		t.Error(err)
	}
}

func TestQueueLeavesOldQueuesAlone(t *testing.T) {
	op := func(id string) Operation {
		op, err := NewOperation(id, Args{}, noon, nil)
		if err != nil {
			t.Fatal(err)
		}
		return op
	}
	var empty Queue
	a, _ := empty.Push(op("a"))
	ab, _ := a.Push(op("b"))
	ac, _ := a.Push(op("c"))
	same, pushed := ab.Push(op("b"))
	got := map[string]string{
		"empty": ids(empty), "a": ids(a), "ab": ids(ab), "ac": ids(ac), "same": ids(same),
		"popped": ids(ab.Pop()), "pushed after a pop": ids(first(ab.Pop().Push(op("d")))), "replaced": ids(ab.WithHead(op("x"))),
		"ab again": ids(ab), "empty popped": ids(empty.Pop()), "empty replaced": ids(empty.WithHead(op("x"))),
	}
	want := map[string]string{
		"empty": "", "a": "a", "ab": "ab", "ac": "ac", "same": "ab",
		"popped": "b", "pushed after a pop": "bd", "replaced": "xb",
		"ab again": "ab", "empty popped": "", "empty replaced": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if pushed {
		t.Error("an operation equal to the last one was pushed")
	}
	if _, ok := empty.Head(); ok {
		t.Error("an empty queue has a head")
	}
}

func first(q Queue, _ bool) Queue { return q }

func ids(q Queue) string {
	var s string
	for _, op := range q {
		s += op.CallbackID
	}
	return s
}

// FuzzQueue: what can be read can be written, and that is read as the same.
func FuzzQueue(f *testing.F) {
	for _, text := range []string{"", "[]", queueOf(goodEntry), queueOf(entryWith("attempt", "1.9")), queueOf(entryWith("max_retry", `"٣"`)),
		queueOf(entryWith("kwargs", `"{\"a\":[1,2.5,\"\\ud83d\\ude00\",null,{\"b\":-0.0}]}"`)), `["`, queueOf("[]"), "[[[[", `["{\"callback_id\":\"\ud800\"}"]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseQueue(text)
		if err != nil {
			var wrong *DecodeError
			if !errors.As(err, &wrong) {
				t.Fatalf("not a *DecodeError: %v", err)
			}
			return
		}
		written, err := q.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseQueue(written)
		if err != nil {
			t.Fatal(err)
		}
		twice, err := again.Encode()
		if err != nil || twice != written {
			t.Fatalf("%q became %q, %v", written, twice, err)
		}
		for i, op := range q {
			if !op.Equal(again[i]) || op.RequestedAt != again[i].RequestedAt || op.MaxRetry != again[i].MaxRetry || op.Attempt != again[i].Attempt {
				t.Fatalf("entry %d changed", i)
			}
		}
	})
}

func benchmarkQueue(b *testing.B, length int) (Queue, string) {
	b.Helper()
	var q Queue
	for i := range length {
		args, err := NewArgs(map[string]any{"force": true, "config": fmt.Sprintf("rendered/%d.conf", i), "delay": 2.5, "hosts": []string{"a", "b"}})
		if err != nil {
			b.Fatal(err)
		}
		op, err := NewOperation("restart", args, noon.Add(time.Duration(i)*time.Microsecond), nil)
		if err != nil {
			b.Fatal(err)
		}
		q = append(q, op)
	}
	text, err := q.Encode()
	if err != nil {
		b.Fatal(err)
	}
	return q, text
}

var lengths = []int{1, 100, 10000}

func BenchmarkParseQueue(b *testing.B) {
	for _, n := range lengths {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			_, text := benchmarkQueue(b, n)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ParseQueue(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, n := range lengths {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			q, text := benchmarkQueue(b, n)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := q.Encode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLargeKwargs is one operation with two megabytes of kwargs.
func BenchmarkLargeKwargs(b *testing.B) {
	args, err := NewArgs(map[string]any{"text": strings.Repeat("0123456789\n\"é", 150000)})
	if err != nil {
		b.Fatal(err)
	}
	op, err := NewOperation("restart", args, noon, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		text, err := Queue{op}.Encode()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := ParseQueue(text); err != nil {
			b.Fatal(err)
		}
	}
}
