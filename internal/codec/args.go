package codec

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
	members []value // as the items of an object
}

// NewArgs converts Go values: nil, booleans, integers, floats, strings,
// json.Number, and slices, arrays, string-keyed maps and pointers of them. NaN,
// infinities, strings that are not UTF-8 and all other types are errors.
func NewArgs(m map[string]any) (Args, error) {
	v, err := fromGo(reflect.ValueOf(m), 0)
	if err != nil {
		return Args{}, fmt.Errorf("cannot use kwargs: %w", err)
	}
	return Args{v.items}, nil
}

// ParseArgs reads a JSON object.
func ParseArgs(text []byte) (Args, error) {
	a, err := new(parser).args(string(text))
	if err != nil {
		return Args{}, fmt.Errorf("cannot read kwargs: %w", err)
	}
	return a, nil
}

// args reads a text with an object.
func (p *parser) args(text string) (Args, error) {
	v, err := p.parse(text)
	if err != nil {
		return Args{}, err
	}
	return Args{v.items}, v.only(objectKind)
}

// object is the arguments as one value.
func (a Args) object() value { return value{kind: objectKind, items: a.members} }

// Len is the number of arguments.
func (a Args) Len() int { return len(a.members) }

// JSON writes the arguments as they stand in a databag: ASCII, names sorted at
// every level, no spaces.
func (a Args) JSON() string { return string(a.object().append(nil)) }

// MarshalJSON writes what JSON does.
func (a Args) MarshalJSON() ([]byte, error) { return a.object().append(nil), nil }

// Equal is Python's ==: 1, 1.0 and true are equal, and so are 0.0 and -0.0.
func (a Args) Equal(b Args) bool { return a.object().equal(b.object()) }

// Map returns a copy of the arguments as Go values. Numbers are json.Number, in
// which a float has a fraction or an exponent.
func (a Args) Map() map[string]any { return a.object().toMap() }

// Decode stores the arguments in the struct that into points to, by the names
// that its fields have for encoding/json. Like a Python callback it refuses
// arguments that it does not know and values of another type; the error names
// them, without their value unless the type has its own UnmarshalJSON. Fields without an argument stay as they are.
func (a Args) Decode(into any) error {
	d := json.NewDecoder(bytes.NewReader(a.object().append(nil)))
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
		known[name] = true
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
func (v value) toGo() any {
	switch v.kind {
	case nullKind:
		return nil
	case boolKind:
		return v.text == "true"
	case intKind, floatKind:
		return json.Number(v.text)
	case listKind:
		out := make([]any, len(v.items))
		for i, item := range v.items {
			out[i] = item.toGo()
		}
		return out
	case objectKind:
		return v.toMap()
	}
	return v.text
}

func (v value) toMap() map[string]any {
	out := make(map[string]any, len(v.items))
	for _, item := range v.items {
		out[item.name] = item.toGo()
	}
	return out
}

// fromGo is the JSON value of a Go value inside of depth lists and objects.
func fromGo(v reflect.Value, depth int) (value, error) {
	switch v.Kind() {
	case reflect.Invalid:
		return null, nil
	case reflect.Bool:
		return boolean(v.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return value{kind: intKind, text: strconv.FormatInt(v.Int(), 10)}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return value{kind: intKind, text: strconv.FormatUint(v.Uint(), 10)}, nil
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); !math.IsNaN(f) && !math.IsInf(f, 0) {
			return float(f), nil
		}
		return null, errors.New("a float that is not a number or not finite")
	case reflect.String:
		return fromGoString(v)
	case reflect.Interface:
		return fromGo(v.Elem(), depth)
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		if depth == maxDepth { // or it holds itself
			return null, errTooDeep
		}
		return fromGoNested(v, depth+1)
	}
	return null, fmt.Errorf("a %s has no JSON form", v.Type())
}

func fromGoString(v reflect.Value) (value, error) {
	s := v.String()
	if v.Type() == reflect.TypeFor[json.Number]() {
		n, err := new(parser).parse(s)
		if err != nil || n.kind != intKind && n.kind != floatKind {
			return null, errors.New("a json.Number that is none")
		}
		return n, nil
	}
	if !utf8.ValidString(s) {
		return null, errUTF8
	}
	return value{kind: stringKind, text: s}, nil
}

func fromGoNested(v reflect.Value, depth int) (value, error) {
	switch {
	case v.Kind() == reflect.Pointer:
		return fromGo(v.Elem(), depth)
	case v.Kind() != reflect.Array && v.IsNil():
		return null, nil
	case v.Kind() == reflect.Map:
		return fromGoMap(v, depth)
	}
	items := make([]value, v.Len())
	for i := range items {
		var err error
		if items[i], err = fromGo(v.Index(i), depth); err != nil {
			return null, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return value{kind: listKind, items: items}, nil
}

func fromGoMap(v reflect.Value, depth int) (value, error) {
	if v.Type().Key().Kind() != reflect.String {
		return null, fmt.Errorf("a %s has no JSON form", v.Type())
	}
	items := make([]value, 0, v.Len())
	for key, e := range v.Seq2() {
		name := key.String()
		if !utf8.ValidString(name) {
			return null, errUTF8
		}
		item, err := fromGo(e, depth)
		if err != nil {
			return null, fmt.Errorf("%q: %w", name, err)
		}
		item.name = name
		items = append(items, item)
	}
	return value{kind: objectKind, items: byName(items)}, nil
}
