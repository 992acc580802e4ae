// Report makes tables and plots of measurements.
//
//	go test -bench . -count 5 ./tests/cost | report table
//	report plot measurements.json benchmarks.txt DIRECTORY
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "table":
		results, err := readBenchmarks(os.Stdin)
		if err != nil {
			return err
		}
		return writeTables(os.Stdout, results)
	case len(args) == 4 && args[0] == "plot":
		return plot(args[1], args[2], args[3])
	}
	return errors.New("usage: report table < BENCHMARKS, or report plot MEASUREMENTS BENCHMARKS DIRECTORY")
}
