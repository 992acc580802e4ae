package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"rolling-ops/tests/cost/bench"
)

// result is one benchmark's values over its runs, by unit, such as "ns/op".
type result struct {
	name   string
	values map[string][]float64
}

// median returns the median of a unit's values.
func (r result) median(unit string) float64 {
	values := slices.Sorted(slices.Values(r.values[unit]))
	if len(values) == 0 {
		return 0
	}
	return values[len(values)/2]
}

// line is one line of what go test -bench prints; -8 is the number of cores.
var line = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

// readBenchmarks reads what go test -bench prints, in the order of first
// mention.
func readBenchmarks(r io.Reader) ([]result, error) {
	var results []result
	in := bufio.NewScanner(r)
	for in.Scan() {
		found := line.FindStringSubmatch(in.Text())
		if found == nil {
			continue
		}
		at := slices.IndexFunc(results, func(r result) bool { return r.name == found[1] })
		if at < 0 {
			at = len(results)
			results = append(results, result{found[1], map[string][]float64{}})
		}
		fields := strings.Fields(found[2])
		for i := 0; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("cannot read the benchmark %s: %w", found[1], err)
			}
			results[at].values[fields[i+1]] = append(results[at].values[fields[i+1]], value)
		}
	}
	return results, in.Err()
}

// writeTables writes a table for each benchmark: those with the same first part
// of their name are the rows of one.
func writeTables(w io.Writer, results []result) error {
	for len(results) > 0 {
		family, _, _ := strings.Cut(results[0].name, "/")
		end := slices.IndexFunc(results, func(r result) bool { f, _, _ := strings.Cut(r.name, "/"); return f != family })
		if end < 0 {
			end = len(results)
		}
		if err := writeTable(w, family, results[:end]); err != nil {
			return err
		}
		results = results[end:]
	}
	return nil
}

func writeTable(w io.Writer, family string, results []result) error {
	present := map[string]bool{}
	for _, r := range results {
		for unit := range r.values {
			present[unit] = true
		}
	}
	units := slices.SortedFunc(maps.Keys(present), func(a, b string) int {
		return cmp.Or(cmp.Compare(order(a), order(b)), cmp.Compare(a, b))
	})
	table := bench.NewTable(family+": min/median/max, or the count where it is the same in all runs.",
		append([]string{"", "runs"}, units...)...)
	for _, r := range results {
		_, label, _ := strings.Cut(r.name, "/")
		row := []any{label, len(r.values["ns/op"])}
		for _, unit := range units {
			row = append(row, show(r.values[unit]))
		}
		table.Row(row...)
	}
	_, err := table.WriteTo(w)
	return err
}

// order puts times last.
func order(unit string) int {
	switch unit {
	case "ns/op", "MB/s", "hooks/s":
		return 1
	}
	return 0
}

// show shows values as min/median/max, with three digits.
func show(values []float64) string {
	if len(values) == 0 {
		return "-"
	}
	sorted := slices.Sorted(slices.Values(values))
	low, high := sorted[0], sorted[len(sorted)-1]
	if low == high {
		return strconv.FormatFloat(low, 'f', -1, 64)
	}
	return digits(low) + "/" + digits(sorted[len(sorted)/2]) + "/" + digits(high)
}

func digits(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
