// Pack makes the rolling-ops charm without charmcraft. It writes
// rolling-ops_ARCH.charm; with -dir the same files into a directory; with -stage
// those that charmcraft's part is to hold.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"rolling-ops/internal/charmfile"
)

var (
	programs  = map[string]string{"dispatch": "./cmd/dispatch", "worker": "./cmd/worker"}
	documents = []string{"LICENSE", "README.md"}
	juju      = []string{"actions.yaml", "config.yaml", "metadata.yaml"}
	bases     = []string{"22.04", "24.04"} // as in charmcraft.yaml
)

func main() {
	root := flag.String("root", ".", "the project's `directory`")
	arch := flag.String("arch", runtime.GOARCH, "the `architecture` to build for: amd64 or arm64")
	out := flag.String("out", ".", "the `directory` to write the charm to")
	dir := flag.String("dir", "", "write the files of the charm to this `directory` instead of a charm")
	stage := flag.String("stage", "", "write the part of charmcraft.yaml to this `directory` instead of a charm")
	flag.Parse()
	if err := run(*root, *arch, *out, *dir, *stage); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

func run(root, arch, out, dir, stage string) error {
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
	if texts, err = charmfile.Read(root, juju...); err != nil {
		return err
	}
	files = append(files, texts...)
	files = append(files, charmfile.Manifest(arch, bases))
	if dir != "" {
		return charmfile.Write(dir, files)
	}
	path := filepath.Join(out, "rolling-ops_"+arch+".charm")
	if err := charmfile.Pack(path, files); err != nil {
		return err
	}
	fmt.Println(path)
	return nil
}
