package picture

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// Every field and every word of schema 1 is described: what is not there is not held
// still.
func TestTheReferenceDescribesTheJSON(t *testing.T) {
	data, err := os.ReadFile("../../../docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	reference := string(data)
	seen := make(map[reflect.Type]bool)
	var fields func(reflect.Type)
	fields = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || typ.PkgPath() == "time" || seen[typ] {
			return
		}
		seen[typ] = true
		for _, field := range reflect.VisibleFields(typ) {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !field.Anonymous && !strings.Contains(reference, "`"+name+"`") {
				t.Errorf("docs/reference.md does not tell of %s.%s, `%s`", typ.Name(), field.Name, name)
			}
			fields(field.Type)
		}
	}
	fields(reflect.TypeFor[Picture]())
	fields(reflect.TypeFor[Plan]())
	for _, code := range codes {
		if !strings.Contains(reference, "`"+string(code)+"`") {
			t.Errorf("docs/reference.md does not tell of the warning `%s`", code)
		}
	}
}

var codes = []Code{
	AgentLost, UnitError, UnitUnhealthy, UnitFailed, QueueNotEmpty, QueueUnreadable, StepUnreadable, RecordUnreadable, HistoryUnreadable, LockStalled, HolderGone,
	LockUnreadable, NoLeader, NoAnswer, NoHealthCheck, NoRollouts, UnderWay, ConfigUnknown, WindowTooShort, WindowUnusable,
}
