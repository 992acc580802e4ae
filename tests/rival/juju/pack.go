package main

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"rolling-ops/jujusim"
)

// pack makes an archive of the charm in source, with hookcost for its dispatch.
// Links are left out: in a virtual environment they lead to the interpreter.
func pack(ctx context.Context, source, dir string) (archive, name string, err error) {
	charm, err := jujusim.LoadCharm(source)
	if err != nil {
		return "", "", err
	}
	wrapper := filepath.Join(dir, "hookcost")
	build := exec.CommandContext(ctx, "go", "build", "-o", wrapper, "rolling-ops/tests/rival/hookcost")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("cannot build hookcost: %w: %s", err, out)
	}
	archive = filepath.Join(dir, charm.Name+".charm")
	file, err := os.Create(archive)
	if err != nil {
		return "", "", err
	}
	defer file.Close()
	z := zip.NewWriter(file)
	err = filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		inside, err := filepath.Rel(source, path)
		if err != nil || inside == "manifest.yaml" {
			return err
		}
		if inside == "dispatch" {
			inside = "dispatch.charm"
		}
		return add(z, path, filepath.ToSlash(inside))
	})
	if err != nil {
		return "", "", err
	}
	if err := add(z, wrapper, "dispatch"); err != nil {
		return "", "", err
	}
	manifest, err := z.Create("manifest.yaml")
	if err != nil {
		return "", "", err
	}
	for _, channel := range []string{"22.04", "24.04"} {
		if channel == "22.04" {
			fmt.Fprintln(manifest, "bases:")
		}
		fmt.Fprintf(manifest, "- {name: ubuntu, channel: %q, architectures: [%s]}\n", channel, runtime.GOARCH)
	}
	return archive, charm.Name, z.Close()
}

// add puts a file into an archive.
func add(z *zip.Writer, path, name string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	header, err := zip.FileInfoHeader(info)
	if err != nil {
		return err
	}
	header.Name, header.Method = name, zip.Deflate
	out, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return err
}
