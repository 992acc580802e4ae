package hooktool

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
)

// Settings are a charm's config or an action's parameters: string, bool, json.Number, map[string]any, []any. The
// typed lookups give the zero value for a key that is missing or null; Has tells.
type Settings map[string]any

// Has says whether key is there and not null.
func (s Settings) Has(key string) bool { return s[key] != nil }

// String returns the text at key. Anything else there is an error.
func (s Settings) String(key string) (string, error) { return lookup[string](s, key, "text") }

// Bool returns the boolean at key. Anything else there is an error.
func (s Settings) Bool(key string) (bool, error) { return lookup[bool](s, key, "true or false") }

// Int returns the whole number at key. Anything else there is an error.
func (s Settings) Int(key string) (int64, error) {
	const want = "a whole number"
	number, err := lookup[json.Number](s, key, want)
	if err != nil || number == "" {
		return 0, err
	}
	if i, err := number.Int64(); err == nil {
		return i, nil
	}
	// Juju keeps action parameters as floating-point numbers, so 5 may come as 5.0 or 5e0.
	const exact = 1 << 53
	if f, err := number.Float64(); err == nil && f == math.Trunc(f) && math.Abs(f) <= exact {
		return int64(f), nil
	}
	return 0, wrong(key, want)
}

// Float returns the number at key, which is finite. Anything else there is an error.
func (s Settings) Float(key string) (float64, error) {
	const want = "a number"
	number, err := lookup[json.Number](s, key, want)
	if err != nil || number == "" {
		return 0, err
	}
	f, err := number.Float64()
	if err != nil {
		return 0, wrong(key, want)
	}
	return f, nil
}

func lookup[T any](s Settings, key, want string) (T, error) {
	value, ok := s[key].(T)
	if !ok && s.Has(key) {
		return value, wrong(key, want)
	}
	return value, nil
}

func wrong(key, want string) error { return fmt.Errorf("cannot use %q: it must be %s", key, want) }

// Config returns the charm's configuration (config-get), defaults included. Options without a value are missing.
func (t *Tools) Config(ctx context.Context) (Settings, error) {
	var config Settings
	err := t.ask(ctx, query("config-get"), &config)
	return config, err
}

// ActionParams returns the parameters of the action that runs (action-get), defaults included.
func (t *Tools) ActionParams(ctx context.Context) (Settings, error) {
	var params Settings
	err := t.ask(ctx, query("action-get"), &params)
	return params, err
}
