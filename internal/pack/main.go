// Pack makes the charm rolling-ops without charmcraft, or with -charm the one for
// machines that run something else. It writes NAME_ARCH.charm; with -dir the same files into a directory; with -stage
// those that charmcraft's part is to hold.
package main

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"rolling-ops/internal/charmfile"
)

var (
	programs  = map[string]string{"dispatch": "./cmd/dispatch", "worker": "./cmd/worker"}
	documents = []string{"LICENSE", "README.md", "icon.svg"}
	juju      = []string{"actions.yaml", "config.yaml", "metadata.yaml"}
	// charms are the directories in which these are, by the charms' names.
	charms = map[string]string{"rolling-ops": ".", "rolling-ops-subordinate": "charms/subordinate"}
	bases  = []string{"22.04", "24.04"} // as in charmcraft.yaml
)

func main() {
	root := flag.String("root", ".", "the project's `directory`")
	charm := flag.String("charm", "rolling-ops", "the `name` of the charm: rolling-ops or rolling-ops-subordinate")
	arch := flag.String("arch", runtime.GOARCH, "the `architecture` to build for: amd64 or arm64")
	out := flag.String("out", ".", "the `directory` to write the charm to")
	dir := flag.String("dir", "", "write the files of the charm to this `directory` instead of a charm")
	stage := flag.String("stage", "", "write the part of charmcraft.yaml to this `directory` instead of a charm")
	flag.Parse()
	if err := run(*root, *charm, *arch, *out, *dir, *stage); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(root, charm, arch, out, dir, stage string) error {
	source, known := charms[charm]
	if !known {
		return fmt.Errorf("cannot make the charm %q: there are %s", charm, strings.Join(slices.Sorted(maps.Keys(charms)), " and "))
	}
	files, err := charmfile.Build(root, arch, programs)
	if err != nil {
		return err
	}
	texts, err := charmfile.Read(root, documents...)
	if err != nil {
		return err
	}
	files = append(files, texts...)
	if stage != "" {
		return charmfile.Write(stage, files)
	}
	if texts, err = charmfile.Read(filepath.Join(root, source), juju...); err != nil {
		return err
	}
	files = append(files, texts...)
	files = append(files, charmfile.Manifest(arch, bases))
	if dir != "" {
		return charmfile.Write(dir, files)
	}
	path := filepath.Join(out, charm+"_"+arch+".charm")
	if err := charmfile.Pack(path, files); err != nil {
		return err
	}
	fmt.Println(path)
	return nil
}
