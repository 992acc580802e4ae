// Charmpack makes a charm of a Go module without charmcraft. Run in the module:
//
//	go run rolling-ops/cmd/charmpack -name my-database
//
// It builds the main package there as dispatch, which is its own worker, and packs
// it with the YAML files that are there: metadata.yaml, which has to be, and
// actions.yaml and config.yaml. The file is my-database_ARCH.charm, byte for byte
// the same from the same sources and the same Go.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"rolling-ops/internal/charmfile"
)

func main() {
	name := flag.String("name", "", "the charm's `name`, as in metadata.yaml")
	arch := flag.String("arch", runtime.GOARCH, "the `architecture` to build for: amd64 or arm64")
	bases := flag.String("bases", "22.04,24.04", "the Ubuntu `releases` that the charm runs on")
	out := flag.String("out", ".", "the `directory` to write the charm to")
	dir := flag.String("dir", "", "write the files of the charm to this `directory` instead of a charm")
	flag.Parse()
	if err := run(*name, *arch, *bases, *out, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "charmpack:", err)
		os.Exit(1)
	}
}

func run(name, arch, bases, out, dir string) error {
	if dir == "" && (name == "" || filepath.Base(name) != name) {
		return fmt.Errorf("cannot name the charm %q: give its name in metadata.yaml with -name", name)
	}
	files, err := charmfile.Build(".", arch, map[string]string{"dispatch": "."})
	if err != nil {
		return err
	}
	yamls := []string{"metadata.yaml"}
	for _, optional := range []string{"actions.yaml", "config.yaml"} {
		if _, err := os.Lstat(optional); err == nil {
			yamls = append(yamls, optional)
		}
	}
	texts, err := charmfile.Read(".", yamls...)
	if err != nil {
		return err
	}
	files = append(files, texts...)
	files = append(files, charmfile.Manifest(arch, strings.Split(bases, ",")))
	if dir != "" {
		return charmfile.Write(dir, files)
	}
	path := filepath.Join(out, name+"_"+arch+".charm")
	if err := charmfile.Pack(path, files); err != nil {
		return err
	}
	fmt.Println(path)
	return nil
}
