package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"rolling-ops/tests/cost/bench"
)

// plot draws the growth of hooks and rolls with the number of units: hooks.svg
// from a report of jujusim bench, rolls.svg from benchmarks.
func plot(measurements, benchmarks, dir string) error {
	var report bench.Report
	data, err := os.ReadFile(measurements)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return fmt.Errorf("cannot read %s: %w", measurements, err)
	}
	file, err := os.Open(benchmarks)
	if err != nil {
		return err
	}
	defer file.Close()
	results, err := readBenchmarks(file)
	if err != nil {
		return err
	}
	for name, c := range map[string]chart{"hooks.svg": hooksChart(report), "rolls.svg": rollsChart(results)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(c.svg()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// hooksChart shows the CPU time of each kind of hook of each charm.
func hooksChart(report bench.Report) chart {
	c := chart{title: "CPU time of one hook (median)", x: "units", y: "ms"}
	for i, charm := range report.Charms {
		for j, name := range bench.HookNames {
			s := series{name: name + ", " + charm.Name, colour: j, dashed: i > 0}
			for _, h := range charm.Hooks {
				if h.Name == name {
					s.add(float64(h.Units), float64(h.CPU.Median())/1e6)
				}
			}
			c.series = append(c.series, s)
		}
	}
	return c
}

// rollsChart shows the hooks and hook-tool calls of whole rolls.
func rollsChart(results []result) chart {
	c := chart{title: "A whole roll", x: "units", y: "count"}
	all := []struct{ name, unit string }{
		{"hooks", "hooks"}, {"hook-tool calls", "calls"}, {"calls of the leader's own hooks", "leader-calls"},
	}
	for i, what := range all {
		s := series{name: what.name, colour: i}
		for _, r := range results {
			if size, ok := strings.CutPrefix(r.name, "Roll/units="); ok {
				if n, err := strconv.Atoi(size); err == nil {
					s.add(float64(n), r.median(what.unit))
				}
			}
		}
		c.series = append(c.series, s)
	}
	goal := series{name: "units² / 2 + 20 units", colour: len(all), dashed: true}
	for _, p := range c.series[0].points {
		goal.add(p[0], p[0]*p[0]/2+20*p[0])
	}
	c.series = append(c.series, goal)
	return c
}

// chart is a line chart with logarithmic axes.
type chart struct {
	title, x, y string
	series      []series
}

type series struct {
	name   string
	colour int
	dashed bool
	points [][2]float64
}

func (s *series) add(x, y float64) {
	if x > 0 && y > 0 {
		s.points = append(s.points, [2]float64{x, y})
	}
}

// The picture's measures in pixels.
const (
	width, height = 860, 420
	left, right   = 70, 290
	top, bottom   = 40, 50
)

var colours = []string{"#0b62a4", "#d1495b", "#2e8b57", "#7a4fa3"}

func (c chart) svg() string {
	lowX, highX := c.decades(0)
	lowY, highY := c.decades(1)
	px := func(x float64) float64 { return left + (math.Log10(x)-lowX)/(highX-lowX)*(width-left-right) }
	py := func(y float64) float64 {
		return height - bottom - (math.Log10(y)-lowY)/(highY-lowY)*(height-top-bottom)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", width, height)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="white"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text x="%d" y="22" font-size="15">%s</text>`+"\n", left, c.title)
	for e := lowX; e <= highX; e++ {
		x := px(math.Pow(10, e))
		fmt.Fprintf(&b, `<path d="M%.1f %dV%d" stroke="#ddd"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`+"\n",
			x, top, height-bottom, x, height-bottom+18, power(e))
	}
	for e := lowY; e <= highY; e++ {
		y := py(math.Pow(10, e))
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			left, y, width-right, left-8, y+4, power(e))
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", (left+width-right)/2, height-12, c.x)
	fmt.Fprintf(&b, `<text x="16" y="%d">%s</text>`+"\n", top-4, c.y)
	for i, s := range c.series {
		c.line(&b, s, i, px, py)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// line draws one series and its line of the legend.
func (c chart) line(b *strings.Builder, s series, i int, px, py func(float64) float64) {
	dash := ""
	if s.dashed {
		dash = ` stroke-dasharray="5 3"`
	}
	colour := colours[s.colour%len(colours)]
	var path strings.Builder
	for n, p := range s.points {
		fmt.Fprintf(&path, "%c%.1f %.1f", "ML"[min(n, 1)], px(p[0]), py(p[1]))
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="2.5" fill="%s"/>`+"\n", px(p[0]), py(p[1]), colour)
	}
	fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="1.5"%s/>`+"\n", &path, colour, dash)
	y := top + 10 + 20*i
	fmt.Fprintf(b, `<path d="M%d %dh24" stroke="%s" stroke-width="1.5"%s/><text x="%d" y="%d">%s</text>`+"\n",
		width-right+16, y, colour, dash, width-right+46, y+4, s.name)
}

// decades returns the powers of ten around all values of one axis.
func (c chart) decades(axis int) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, s := range c.series {
		for _, p := range s.points {
			low, high = min(low, math.Floor(math.Log10(p[axis]))), max(high, math.Ceil(math.Log10(p[axis])))
		}
	}
	if low >= high {
		return 0, 1
	}
	return low, high
}

// power shows a power of ten.
func power(e float64) string {
	if e < 0 {
		return strconv.FormatFloat(math.Pow(10, e), 'f', int(-e), 64)
	}
	return strconv.FormatFloat(math.Pow(10, e), 'f', 0, 64)
}
