package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const benchmarks = `goos: linux
BenchmarkRoll/units=3-2    1   5000 ns/op   178.0 calls   30.00 hooks
BenchmarkRoll/units=3-2    1   7000 ns/op   178.0 calls   30.00 hooks
BenchmarkRoll/units=3-2    1   600000 ns/op   178.0 calls   30.00 hooks
BenchmarkRoll/units=10-2   1   90 ns/op   1298 calls   310.0 hooks
BenchmarkQueue/parse   100   12.5 ns/op   45.28 MB/s
PASS
`

func TestTables(t *testing.T) {
	results, err := readBenchmarks(strings.NewReader(benchmarks))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := writeTables(&out, results); err != nil {
		t.Fatal(err)
	}
	want := `Roll: min/median/max, or the count where it is the same in all runs.

|          | runs | calls | hooks |            ns/op |
|----------|-----:|------:|------:|-----------------:|
| units=3  |    3 |   178 |    30 | 5000/7000/600000 |
| units=10 |    1 |  1298 |   310 |               90 |

Queue: min/median/max, or the count where it is the same in all runs.

|       | runs |  MB/s | ns/op |
|-------|-----:|------:|------:|
| parse |    1 | 45.28 |  12.5 |

`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestPlot(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	measured := write("measurements.json", `{"charms": [
		{"name": "ours", "hooks": [{"name": "grant", "units": 3, "cpu_ns": [2000000]}, {"name": "grant", "units": 30, "cpu_ns": [3000000]}]},
		{"name": "other", "hooks": [{"name": "grant", "units": 3, "cpu_ns": [200000000]}]}]}`)
	if err := run([]string{"plot", measured, write("benchmarks.txt", benchmarks), dir}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"hooks.svg": {"grant, ours", "grant, other", ">1000<"},
		"rolls.svg": {"hook-tool calls", "units² / 2 + 20 units"},
	} {
		picture, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for decoder := xml.NewDecoder(strings.NewReader(string(picture))); ; {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		for _, text := range want {
			if !strings.Contains(string(picture), text) {
				t.Errorf("%s lacks %q", name, text)
			}
		}
	}
}

func TestUsage(t *testing.T) {
	if err := run([]string{"tables"}); err == nil {
		t.Error("accepted")
	}
}
