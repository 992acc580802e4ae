// Pack makes the charm without charmcraft, reproducibly: the same commit and
// the same Go give the same bytes. It writes rolling-ops_ARCH.charm; with -dir
// the same files into a directory; with -stage those that charmcraft's part is
// to hold.
package main

import (
	"archive/zip"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

var (
	programs      = []string{"dispatch", "worker"}
	documents     = []string{"LICENSE", "README.md"}
	juju          = []string{"actions.yaml", "config.yaml", "metadata.yaml"}
	bases         = []string{"22.04", "24.04"} // as in charmcraft.yaml
	architectures = []string{"amd64", "arm64"} // as in charmcraft.yaml
)

// modified is the time stamp of all files in the charm: the earliest that a zip
// file can hold.
var modified = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// file is one file of the charm.
type file struct {
	name    string
	mode    os.FileMode
	content []byte
}

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
	if !slices.Contains(architectures, arch) {
		return fmt.Errorf("cannot build for architecture %q: want one of %s", arch, strings.Join(architectures, ", "))
	}
	files, err := build(root, arch)
	if err != nil {
		return err
	}
	texts, err := read(root, documents)
	if err != nil {
		return err
	}
	files = append(files, texts...)
	if stage != "" {
		return write(stage, files)
	}
	if texts, err = read(root, juju); err != nil {
		return err
	}
	files = append(files, texts...)
	files = append(files, file{"manifest.yaml", 0o644, manifest(arch)})
	if dir != "" {
		return write(dir, files)
	}
	var charm bytes.Buffer
	if err := pack(&charm, files); err != nil {
		return err
	}
	path := filepath.Join(out, "rolling-ops_"+arch+".charm")
	if err := os.WriteFile(path, charm.Bytes(), 0o644); err != nil {
		return fmt.Errorf("cannot write the charm: %w", err)
	}
	fmt.Println(path)
	return nil
}

// build compiles the programs: static, without symbols, and without a trace of
// the directory or the state of the checkout that they were built in.
func build(root, arch string) ([]file, error) {
	dir, err := os.MkdirTemp("", "pack-")
	if err != nil {
		return nil, fmt.Errorf("cannot build: %w", err)
	}
	defer os.RemoveAll(dir)
	args := []string{"build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", dir + "/"}
	for _, program := range programs {
		args = append(args, "./cmd/"+program)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	// A builder's own GOFLAGS or GOAMD64 would change the bytes.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch,
		"GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("cannot build %s: %w", strings.Join(programs, " and "), err)
	}
	files, err := read(dir, programs)
	for i := range files {
		files[i].mode = 0o755
	}
	return files, err
}

func read(dir string, names []string) ([]file, error) {
	var files []file
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("cannot read a file of the charm: %w", err)
		}
		files = append(files, file{name, 0o644, content})
	}
	return files, nil
}

func write(dir string, files []file) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot write the files of the charm: %w", err)
	}
	for _, f := range files {
		path := filepath.Join(dir, f.name)
		if err := os.WriteFile(path, f.content, f.mode); err != nil {
			return fmt.Errorf("cannot write a file of the charm: %w", err)
		}
		if err := os.Chmod(path, f.mode); err != nil { // whatever the umask
			return fmt.Errorf("cannot write a file of the charm: %w", err)
		}
	}
	return nil
}

// manifest tells Juju which bases the charm runs on.
func manifest(arch string) []byte {
	var b strings.Builder
	b.WriteString("bases:\n")
	for _, channel := range bases {
		fmt.Fprintf(&b, "- name: ubuntu\n  channel: %q\n  architectures: [%s]\n", channel, arch)
	}
	return []byte(b.String())
}

func pack(w io.Writer, files []file) error {
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	z := zip.NewWriter(w)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: modified}
		header.SetMode(f.mode)
		entry, err := z.CreateHeader(header)
		if err != nil {
			return fmt.Errorf("cannot pack %s: %w", f.name, err)
		}
		if _, err := entry.Write(f.content); err != nil {
			return fmt.Errorf("cannot pack %s: %w", f.name, err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("cannot pack the charm: %w", err)
	}
	return nil
}
