package jujusim

import (
	"bytes"
	"encoding/json"
	"strings"

	"gopkg.in/yaml.v3"
)

// format writes a value the way hook tools do. "smart" prints strings bare, one
// item of a list a line, booleans as True and False, and the rest as YAML. An
// absent value prints nothing, or null in JSON.
func format(how string, value any) ([]byte, error) {
	switch how {
	case "json":
		return formatJSON(value)
	case "yaml":
		return formatYAML(value)
	}
	var text string
	switch v := value.(type) {
	case string:
		text = v
	case []string:
		text = strings.Join(v, "\n")
	case bool:
		text = "False"
		if v {
			text = "True"
		}
	default:
		return formatYAML(value)
	}
	if text == "" {
		return nil, nil
	}
	return append([]byte(text), '\n'), nil
}

func formatYAML(value any) ([]byte, error) {
	if value == nil {
		return nil, nil
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return append(bytes.TrimRight(out.Bytes(), "\n"), '\n'), nil
}

func formatJSON(value any) ([]byte, error) {
	var out []byte
	switch v := value.(type) {
	case bool:
		out = append(out, "false"...)
		if v {
			out = append(out[:0], "true"...)
		}
	case string:
		out = appendJSON(out, v)
	case []string:
		if v == nil {
			return []byte("null\n"), nil
		}
		out = append(out, '[')
		for i, item := range v {
			if i > 0 {
				out = append(out, ',')
			}
			out = appendJSON(out, item)
		}
		out = append(out, ']')
	case map[string]string:
		if v == nil {
			return []byte("null\n"), nil
		}
		out = append(out, '{')
		for i, key := range sortedKeys(v) {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(appendJSON(out, key), ':')
			out = appendJSON(out, v[key])
		}
		out = append(out, '}')
	default:
		encoded, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		out = encoded
	}
	return append(out, '\n'), nil
}

// appendJSON appends text as encoding/json would write it; most text is plain
// and needs no such care.
func appendJSON(out []byte, text string) []byte {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' || c > '~' || c == '<' || c == '>' || c == '&' {
			encoded, err := json.Marshal(text)
			if err != nil { // no string fails to encode
				return append(out, `""`...)
			}
			return append(out, encoded...)
		}
	}
	out = append(out, '"')
	for i := 0; i < len(text); i++ {
		if c := text[i]; c == '"' || c == '\\' {
			out = append(out, '\\')
		}
		out = append(out, text[i])
	}
	return append(out, '"')
}

// readSettings parses what --file holds: YAML, of which JSON is a part.
func readSettings(data []byte) (map[string]string, error) {
	if plainJSON(data) {
		var settings map[string]string
		if json.Unmarshal(data, &settings) == nil && settings != nil {
			return settings, nil
		}
	}
	settings := map[string]string{}
	if err := yaml.Unmarshal(data, &settings); err != nil {
		return nil, err
	}
	if settings == nil { // the document is null
		settings = map[string]string{}
	}
	return settings, nil
}

// plainJSON reports whether data, if it is JSON, means the same as YAML. It does
// not always: YAML refuses some characters and escapes that JSON takes.
func plainJSON(data []byte) bool {
	if len(data) == 0 || data[0] != '{' {
		return false
	}
	for i := 0; i < len(data); i++ {
		c := data[i]
		if c == '\n' {
			continue
		}
		if c < ' ' || c > '~' {
			return false
		}
		if c != '\\' {
			continue
		}
		i++
		if i >= len(data) || strings.IndexByte(`"\nrt`, data[i]) < 0 {
			return false
		}
	}
	return true
}
