package juju

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// manifest says on what the charm of the tests runs.
const manifest = `bases:
- name: ubuntu
  channel: "22.04"
  architectures: [%[1]s]
- name: ubuntu
  channel: "24.04"
  architectures: [%[1]s]
`

// packOther builds the charm of tests/integration/othercharm.
func packOther(ctx context.Context, root, arch, path string) error {
	cannot := func(err error) error { return fmt.Errorf("cannot build the other charm: %w", err) }
	dir, err := os.MkdirTemp("", "othercharm-")
	if err != nil {
		return cannot(err)
	}
	defer os.RemoveAll(dir)
	source := filepath.Join(root, "tests/integration/othercharm")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(dir, "dispatch"), ".")
	build.Dir = source
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return cannot(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "manifest.yaml"), fmt.Appendf(nil, manifest, arch), 0o600); err != nil {
		return cannot(err)
	}
	archive, err := os.Create(path)
	if err != nil {
		return cannot(err)
	}
	defer archive.Close()
	if err := zipFiles(archive, filepath.Join(dir, "*"), filepath.Join(source, "*.yaml")); err != nil {
		return cannot(err)
	}
	return nil
}

// zipFiles writes an archive of the files that the patterns match.
func zipFiles(w io.Writer, patterns ...string) error {
	archive := zip.NewWriter(w)
	for _, pattern := range patterns {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, path := range paths {
			if err := zipFile(archive, path); err != nil {
				return err
			}
		}
	}
	return archive.Close()
}

func zipFile(archive *zip.Writer, path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	header, err := zip.FileInfoHeader(info) // with the mode: dispatch is run
	if err != nil {
		return err
	}
	w, err := archive.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = w.Write(content)
	return err
}
