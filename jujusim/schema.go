package jujusim

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"sort"
	"strings"
)

// schema is the part of JSON schema that actions use.
type schema struct {
	kind       string // "" takes anything
	properties map[string]*schema
	required   []string
	// closed refuses properties that are not listed. Actions are closed unless
	// they say otherwise.
	closed   bool
	items    *schema
	enum     []any
	minimum  *float64
	maximum  *float64
	fallback any // the default
}

var schemaKinds = []string{"string", "integer", "number", "boolean", "object", "array", "null"}

const maxSchemaDepth = 32

// actionSchema reads one action of actions.yaml.
func actionSchema(raw map[string]any) (*schema, error) {
	s := &schema{kind: "object", closed: true, properties: map[string]*schema{}}
	params, _ := raw["params"].(map[string]any)
	if raw["params"] != nil && params == nil {
		return nil, fmt.Errorf("params must be a map")
	}
	for name, value := range params {
		property, err := parseSchema(value, 0)
		if err != nil {
			return nil, fmt.Errorf("parameter %q: %w", name, err)
		}
		s.properties[name] = property
	}
	var err error
	if s.required, err = stringList(raw["required"]); err != nil {
		return nil, fmt.Errorf("required %w", err)
	}
	if open, ok := raw["additionalProperties"]; ok {
		isOpen, ok := open.(bool)
		if !ok {
			return nil, fmt.Errorf("additionalProperties must be true or false")
		}
		s.closed = !isOpen
	}
	return s, nil
}

func parseSchema(value any, depth int) (*schema, error) {
	raw, ok := value.(map[string]any)
	if !ok || depth > maxSchemaDepth {
		return nil, fmt.Errorf("must be a map that describes it")
	}
	s := &schema{fallback: raw["default"]}
	if kind, ok := raw["type"]; ok {
		s.kind, ok = kind.(string)
		if !ok || !slices.Contains(schemaKinds, s.kind) {
			return nil, fmt.Errorf("unknown type %v", kind)
		}
	}
	if properties, ok := raw["properties"].(map[string]any); ok {
		s.properties = make(map[string]*schema, len(properties))
		for name, property := range properties {
			sub, err := parseSchema(property, depth+1)
			if err != nil {
				return nil, fmt.Errorf("property %q: %w", name, err)
			}
			s.properties[name] = sub
		}
	}
	if open, ok := raw["additionalProperties"].(bool); ok {
		s.closed = !open
	}
	if items, ok := raw["items"]; ok {
		sub, err := parseSchema(items, depth+1)
		if err != nil {
			return nil, fmt.Errorf("items: %w", err)
		}
		s.items = sub
	}
	var err error
	if s.required, err = stringList(raw["required"]); err != nil {
		return nil, fmt.Errorf("required %w", err)
	}
	s.enum, _ = raw["enum"].([]any)
	s.minimum = number(raw["minimum"])
	s.maximum = number(raw["maximum"])
	if s.fallback != nil {
		if err := s.check("default", s.fallback); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func stringList(value any) ([]string, error) {
	if value == nil {
		return nil, nil
	}
	list, ok := value.([]any)
	if !ok {
		return nil, fmt.Errorf("must be a list")
	}
	var out []string
	for _, item := range list {
		text, ok := item.(string)
		if !ok {
			return nil, fmt.Errorf("must be a list of names")
		}
		out = append(out, text)
	}
	return out, nil
}

func number(value any) *float64 {
	var f float64
	switch v := value.(type) {
	case int:
		f = float64(v)
	case int64:
		f = float64(v)
	case uint64:
		f = float64(v)
	case float64:
		f = v
	default:
		return nil
	}
	return &f
}

// kindOf names the JSON type of a decoded value; a whole number is an integer.
func kindOf(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "boolean"
	case int, int64, uint64:
		return "integer"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return "unknown"
}

// check reports what is wrong with value, which the message calls name.
func (s *schema) check(name string, value any) error {
	kind := kindOf(value)
	if s.kind != "" && kind != s.kind && !(s.kind == "number" && kind == "integer") {
		return fmt.Errorf("%s must be of type %s, given %v", name, s.kind, value)
	}
	if len(s.enum) > 0 && !slices.ContainsFunc(s.enum, func(e any) bool { return reflect.DeepEqual(e, value) }) {
		return fmt.Errorf("%s must be one of %v, given %v", name, s.enum, value)
	}
	if n := number(value); n != nil {
		if s.minimum != nil && *n < *s.minimum {
			return fmt.Errorf("%s must be at least %v, given %v", name, *s.minimum, value)
		}
		if s.maximum != nil && *n > *s.maximum {
			return fmt.Errorf("%s must be at most %v, given %v", name, *s.maximum, value)
		}
	}
	if list, ok := value.([]any); ok && s.items != nil {
		for i, item := range list {
			if err := s.items.check(fmt.Sprintf("%s[%d]", name, i), item); err != nil {
				return err
			}
		}
	}
	if object, ok := value.(map[string]any); ok {
		return s.checkObject(name, object)
	}
	return nil
}

func (s *schema) checkObject(name string, object map[string]any) error {
	for _, required := range s.required {
		if _, ok := object[required]; !ok {
			return fmt.Errorf("%s needs %q", name, required)
		}
	}
	var extra []string
	for _, key := range sortedKeys(object) {
		property, ok := s.properties[key]
		if !ok {
			extra = append(extra, fmt.Sprintf("%q", key))
			continue
		}
		if err := property.check(fmt.Sprintf("%q", key), object[key]); err != nil {
			return err
		}
	}
	if s.closed && len(extra) > 0 {
		return fmt.Errorf("%s does not take %s", name, strings.Join(extra, ", "))
	}
	return nil
}

// Check reports what is wrong with the parameters of an action, as the
// controller does before it queues one.
func (a Action) Check(params map[string]any) error {
	if a.schema == nil {
		return nil
	}
	return a.schema.check(fmt.Sprintf("action %q", a.Name), anyMap(params))
}

// withDefaults returns a copy of params with the defaults of those not given.
func (a Action) withDefaults(params map[string]any) map[string]any {
	out := make(map[string]any, len(params))
	for key, value := range params {
		out[key] = value
	}
	if a.schema != nil {
		a.schema.addDefaults(out)
	}
	return out
}

// addDefaults puts the defaults of what is missing into an object; an object in
// it that is missing comes to be if something in that has a default.
func (s *schema) addDefaults(object map[string]any) {
	for key, property := range s.properties {
		value, given := object[key]
		if !given && property.fallback != nil {
			object[key] = property.fallback
			continue
		}
		inner, isObject := value.(map[string]any)
		if len(property.properties) == 0 || given && !isObject {
			continue
		}
		inner = maps.Clone(inner)
		if inner == nil {
			inner = map[string]any{}
		}
		if property.addDefaults(inner); len(inner) > 0 || given {
			object[key] = inner
		}
	}
}

func anyMap(params map[string]any) map[string]any {
	if params == nil {
		return map[string]any{}
	}
	return params
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}
