package simulation

import (
	"bytes"
	"reflect"
	"slices"
	"testing"
	"unsafe"
)

// fieldsOf are a struct's fields, so that they can be changed.
func fieldsOf(p any) map[string]reflect.Value {
	v := reflect.ValueOf(p).Elem()
	fields := make(map[string]reflect.Value)
	for i := range v.NumField() {
		f := v.Field(i)
		fields[v.Type().Field(i).Name] = reflect.NewAt(f.Type(), unsafe.Pointer(f.UnsafeAddr())).Elem()
	}
	return fields
}

// change makes a field another than it was.
func change(t *testing.T, f reflect.Value) {
	t.Helper()
	switch f.Kind() {
	case reflect.Bool:
		f.SetBool(!f.Bool())
	case reflect.Uint8:
		f.SetUint(f.Uint() + 1)
	case reflect.String:
		f.SetString(f.String() + "x")
	case reflect.Map:
		f.Set(reflect.ValueOf(map[string]string{"state": "changed"}))
	default:
		t.Fatalf("cannot change a %s", f.Type())
	}
}

// A field of the search's state that its hash forgets makes it take states for
// one that are not, and prove less unseen. So each field changes the hash, but
// for those named here.
func TestSearchSeesEveryField(t *testing.T) {
	t.Run("process", func(t *testing.T) {
		uncounted := []string{
			"unit",   // processes are in the order of the model's units
			"failed", // only for printing
			"place",  // follows from where the hook is
		}
		for name := range fieldsOf(&process{}) {
			var p process
			change(t, fieldsOf(&p)[name])
			seen := !bytes.Equal(p.append(nil), (&process{}).append(nil))
			if counts := !slices.Contains(uncounted, name); seen != counts {
				t.Errorf("%s: the hash sees it: %v, want %v", name, seen, counts)
			}
		}
	})
	t.Run("budget", func(t *testing.T) {
		for name := range fieldsOf(&budget{}) {
			n := newScope(1, 1).start()
			was, _ := n.hash(nil)
			change(t, fieldsOf(&n.left)[name])
			if is, _ := n.hash(nil); is == was {
				t.Errorf("the hash does not see %s", name)
			}
			if sum := (budget{}).with(n.left); sum != n.left {
				t.Errorf("%s: with forgets it: %+v", name, sum)
			}
		}
	})
	t.Run("node", func(t *testing.T) {
		n := newScope(1, 1).start()
		known := map[string]func(){ // what changes it; nil if it need not count
			"scope":     nil, // one search has one
			"model":     func() { n.model.AddUnit() },
			"procs":     func() { n.procs[0].requests++ },
			"left":      func() { n.left.Add++ },
			"lost":      func() { n.lost = !n.lost },
			"requests":  nil, // names the next request: only the order of those that wait counts
			"violation": nil, // ends the search
		}
		for name := range fieldsOf(n) {
			do, ok := known[name]
			if !ok {
				t.Errorf("whoever adds %s says here what changes it", name)
			}
			if do == nil {
				continue
			}
			was, _ := n.hash(nil)
			do()
			if is, _ := n.hash(nil); is == was {
				t.Errorf("the hash does not see %s", name)
			}
		}
	})
}

// The end of a hook keeps what is the unit's and forgets what was the hook's.
func TestResetForgetsTheHook(t *testing.T) {
	kept := []string{"unit", "requests", "worker", "watching", "held", "dying", "hasLed", "failed", "oldLeads", "oldApp"}
	for name := range fieldsOf(&process{}) {
		var p process
		f := fieldsOf(&p)[name]
		change(t, f)
		p.reset()
		if keeps := slices.Contains(kept, name); f.IsZero() == keeps {
			t.Errorf("%s: kept: %v, want %v", name, !f.IsZero(), keeps)
		}
	}
}

// What is done to a clone leaves the original alone.
func TestCloneIsIndependent(t *testing.T) {
	n := newScope(2, 1, newLeader).start()
	was, _ := n.hash(nil)
	c := n.clone()
	for i := range c.procs {
		for name, f := range fieldsOf(&c.procs[i]) {
			if name != "unit" {
				change(t, f)
			}
		}
	}
	c.model.AddUnit()
	c.left.Elect++
	if is, _ := n.hash(nil); is != was {
		t.Error("a clone shares something with the original")
	}
}
