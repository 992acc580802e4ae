// Package charmfile makes a charm without charmcraft, reproducibly: the same
// sources and the same Go give the same bytes.
package charmfile

import (
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Architectures are those that a charm can be built for.
var Architectures = []string{"amd64", "arm64"}

// Modified is the time stamp of all files in a charm: the earliest that a zip
// file can hold.
var Modified = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// File is one file of a charm.
type File struct {
	Name    string
	Mode    os.FileMode
	Content []byte
}

// Build compiles programs, of which each is a package by its file's name, in the
// module at root: static, without symbols, and without a trace of the directory or
// the state of the checkout that they were built in.
func Build(root, arch string, programs map[string]string) ([]File, error) {
	if !slices.Contains(Architectures, arch) {
		return nil, fmt.Errorf("cannot build for architecture %q: want one of %s", arch, strings.Join(Architectures, ", "))
	}
	dir, err := os.MkdirTemp("", "pack-")
	if err != nil {
		return nil, fmt.Errorf("cannot build: %w", err)
	}
	defer os.RemoveAll(dir)
	var files []File
	for name, pkg := range programs {
		path := filepath.Join(dir, name)
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, pkg)
		cmd.Dir = root
		// A builder's own GOFLAGS or GOAMD64 would change the bytes.
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch,
			"GOAMD64=v1", "GOARM64=v8.0", "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off")
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("cannot build %s: %w", name, err)
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("cannot read a file of the charm: %w", err)
		}
		files = append(files, File{name, 0o755, content})
	}
	return files, nil
}

// Read reads files of a directory.
func Read(dir string, names ...string) ([]File, error) {
	var files []File
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("cannot read a file of the charm: %w", err)
		}
		files = append(files, File{name, 0o644, content})
	}
	return files, nil
}

// Write writes files into a directory, which is made if it is missing.
func Write(dir string, files []File) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("cannot write the files of the charm: %w", err)
	}
	for _, f := range files {
		path := filepath.Join(dir, f.Name)
		if err := os.WriteFile(path, f.Content, f.Mode); err != nil {
			return fmt.Errorf("cannot write a file of the charm: %w", err)
		}
		if err := os.Chmod(path, f.Mode); err != nil { // whatever the umask
			return fmt.Errorf("cannot write a file of the charm: %w", err)
		}
	}
	return nil
}

// Manifest tells Juju which Ubuntu bases, such as 24.04, the charm runs on.
func Manifest(arch string, bases []string) File {
	var b strings.Builder
	b.WriteString("bases:\n")
	for _, channel := range bases {
		fmt.Fprintf(&b, "- name: ubuntu\n  channel: %q\n  architectures: [%s]\n", channel, arch)
	}
	return File{"manifest.yaml", 0o644, []byte(b.String())}
}

// Pack writes files as a charm to path.
func Pack(path string, files []File) error {
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	var charm bytes.Buffer
	z := zip.NewWriter(&charm)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.Name, Method: zip.Deflate, Modified: Modified}
		header.SetMode(f.Mode)
		entry, err := z.CreateHeader(header)
		if err != nil {
			return fmt.Errorf("cannot pack %s: %w", f.Name, err)
		}
		if _, err := entry.Write(f.Content); err != nil {
			return fmt.Errorf("cannot pack %s: %w", f.Name, err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("cannot pack the charm: %w", err)
	}
	if err := os.WriteFile(path, charm.Bytes(), 0o644); err != nil {
		return fmt.Errorf("cannot write the charm: %w", err)
	}
	return nil
}
