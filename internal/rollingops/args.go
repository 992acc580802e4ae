package rollingops

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Args are the kwargs of an operation: named JSON values whose numbers keep
// Python's distinction of int and float. They never change; the zero Args are
// empty.
type Args struct {
	members object
}

// NewArgs converts Go values: nil, booleans, integers, floats, strings,
// json.Number, Args, and slices, arrays and string-keyed maps of them. NaN,
// infinities, strings that are not UTF-8 and all other types are errors.
func NewArgs(m map[string]any) (Args, error) {
	v, err := fromGo(reflect.ValueOf(m), 0)
	if err != nil {
		return Args{}, fmt.Errorf("cannot use kwargs: %w", err)
	}
	o, _ := v.(object)
	return Args{o}, nil
}

// ParseArgs reads a JSON object.
func ParseArgs(text []byte) (Args, error) {
	a, err := parseArgs(string(text))
	if err != nil {
		return Args{}, fmt.Errorf("cannot read kwargs: %w", err)
	}
	return a, nil
}

func parseArgs(text string) (Args, error) {
	v, err := parseJSON(text)
	if err != nil {
		return Args{}, err
	}
	o, ok := v.(object)
	if !ok {
		return Args{}, fmt.Errorf("expected an object, not %s", kindOf(v))
	}
	return Args{o}, nil
}

// Len is the number of arguments.
func (a Args) Len() int { return len(a.members) }

// JSON writes the arguments as they stand in a databag: ASCII, names sorted at
// every level, no spaces.
func (a Args) JSON() string { return string(appendJSON(nil, a.members)) }

// MarshalJSON writes what JSON does.
func (a Args) MarshalJSON() ([]byte, error) { return appendJSON(nil, a.members), nil }

// Equal is Python's ==: 1, 1.0 and true are equal, and so are 0.0 and -0.0.
func (a Args) Equal(b Args) bool { return equalObjects(a.members, b.members) }

// Map returns a copy of the arguments as Go values. Numbers are json.Number, in
// which a float has a fraction or an exponent.
func (a Args) Map() map[string]any { return toGo(a.members).(map[string]any) }

// Decode stores the arguments in the struct that into points to, by the names
// that its fields have for encoding/json. Like a Python callback it refuses
// arguments that it does not know and values of another type; the error names
// them, without their value. Fields without an argument stay as they are.
func (a Args) Decode(into any) error {
	d := json.NewDecoder(bytes.NewReader(appendJSON(nil, a.members)))
	d.DisallowUnknownFields()
	err := a.knownTo(into)
	if err == nil {
		err = withoutValue(d.Decode(into))
	}
	if err != nil {
		return fmt.Errorf("cannot decode kwargs: %w", err)
	}
	return nil
}

// knownTo checks that every argument is a field of the struct that into points
// to, in the same case: encoding/json would take any.
func (a Args) knownTo(into any) error {
	t := reflect.TypeOf(into)
	if t == nil || t.Kind() != reflect.Pointer || t.Elem().Kind() != reflect.Struct {
		return nil
	}
	known := make(map[string]bool)
	for _, f := range reflect.VisibleFields(t.Elem()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		known[name] = f.IsExported()
	}
	for _, m := range a.members {
		if !known[m.name] {
			return fmt.Errorf("unknown argument %q", m.name)
		}
	}
	return nil
}

// withoutValue rewords an error of encoding/json that quotes a value.
func withoutValue(err error) error {
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) {
		return err
	}
	kind, _, _ := strings.Cut(wrong.Value, " ")
	return fmt.Errorf("argument %q is a %s, not a %s", wrong.Field, kind, wrong.Type)
}

// toGo is v in the types of Args.Map.
func toGo(v any) any {
	switch v := v.(type) {
	case integer:
		return json.Number(v)
	case float64:
		return json.Number(appendFloat(nil, v))
	case list:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = toGo(e)
		}
		return out
	case object:
		out := make(map[string]any, len(v))
		for _, m := range v {
			out[m.name] = toGo(m.value)
		}
		return out
	}
	return v
}

// fromGo is the JSON value of a Go value inside of depth lists and objects.
func fromGo(v reflect.Value, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errTooDeep // also for a map that holds itself
	}
	switch v.Kind() {
	case reflect.Invalid:
		return nil, nil
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return integer(strconv.FormatInt(v.Int(), 10)), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return integer(strconv.FormatUint(v.Uint(), 10)), nil
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f, nil
		}
		return nil, errors.New("a float that is not a number or not finite")
	case reflect.String:
		return fromGoString(v)
	case reflect.Interface, reflect.Pointer:
		return fromGo(v.Elem(), depth)
	case reflect.Slice, reflect.Array:
		return fromGoSlice(v, depth)
	case reflect.Map:
		return fromGoMap(v, depth)
	case reflect.Struct:
		if a, ok := v.Interface().(Args); ok {
			return a.members, nil
		}
	}
	return nil, fmt.Errorf("a %s has no JSON form", v.Type())
}

func fromGoString(v reflect.Value) (any, error) {
	s := v.String()
	if v.Type() == reflect.TypeFor[json.Number]() {
		n, err := parseJSON(s)
		if _, ok := exact(n); err != nil || !ok {
			return nil, errors.New("a json.Number that is none")
		}
		return n, nil
	}
	if !utf8.ValidString(s) {
		return nil, errUTF8
	}
	return s, nil
}

func fromGoSlice(v reflect.Value, depth int) (any, error) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		return nil, nil
	}
	l := make(list, v.Len())
	for i := range l {
		var err error
		if l[i], err = fromGo(v.Index(i), depth+1); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return l, nil
}

func fromGoMap(v reflect.Value, depth int) (any, error) {
	if v.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("a %s has no JSON form", v.Type())
	}
	if v.IsNil() {
		return nil, nil
	}
	o := make(object, 0, v.Len())
	for key, e := range v.Seq2() {
		name := key.String()
		if !utf8.ValidString(name) {
			return nil, errUTF8
		}
		value, err := fromGo(e, depth+1)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		o = append(o, member{name, value})
	}
	return o.normal(), nil
}
