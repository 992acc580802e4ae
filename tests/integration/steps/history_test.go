package steps

import (
	"slices"
	"testing"
	"time"
)

func TestHandovers(t *testing.T) {
	transitions := history(t, "1000 a action:x; 1000 b action:x; 2000 a _x:start; 3000 a _x:done; 3500 b _x:start; 4000 b _x:done;"+
		"9000 a action:x; 11000 a _x:start; 12000 a _x:done; 13000 a action:x; 15000 a _x:start")
	want := []time.Duration{500 * time.Millisecond, 2 * time.Second}
	if got := Handovers(transitions); !slices.Equal(got, want) {
		t.Errorf("Handovers: %v, want %v", got, want)
	}
}
