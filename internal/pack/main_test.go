package main

import (
	"archive/zip"
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"rolling-ops/internal/charmfile"
)

// project writes a little project of the charm's shape to a directory of its
// own: two places, to show that the place leaves no trace.
func project(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"go.mod":               "module example\n\ngo 1.26\n",
		"cmd/dispatch/main.go": "package main\n\nfunc main() { println(1) }\n",
		"cmd/worker/main.go":   "package main\n\nfunc main() { println(2) }\n",
		"cmd/jujusim/main.go":  "package main\n\nfunc main() { println(3) }\n",
	}
	for _, name := range slices.Concat(documents, juju) {
		files[name] = "content of " + name + "\n"
	}
	for _, name := range juju {
		files["charms/subordinate/"+name] = "content of the other " + name + "\n"
	}
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCharmIsReproducible(t *testing.T) {
	var charms [][]byte
	for range 2 {
		root := project(t)
		if err := run(root, "rolling-ops", "amd64", root, "", ""); err != nil {
			t.Fatal(err)
		}
		charm, err := os.ReadFile(filepath.Join(root, "rolling-ops_amd64.charm"))
		if err != nil {
			t.Fatal(err)
		}
		charms = append(charms, charm)
	}
	if !bytes.Equal(charms[0], charms[1]) {
		t.Error("two builds differ")
	}
}

func TestCharmContent(t *testing.T) {
	root := project(t)
	if err := run(root, "rolling-ops", "arm64", root, "", ""); err != nil {
		t.Fatal(err)
	}
	z, err := zip.OpenReader(filepath.Join(root, "rolling-ops_arm64.charm"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var listing []string
	content := map[string]string{}
	for _, f := range z.File {
		listing = append(listing, f.Mode().String()+" "+f.Name)
		if !f.Modified.Equal(charmfile.Modified) {
			t.Errorf("%s: modified %v", f.Name, f.Modified)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		content[f.Name] = string(b)
	}
	want := []string{
		"-rw-r--r-- LICENSE",
		"-rw-r--r-- README.md",
		"-rw-r--r-- actions.yaml",
		"-rw-r--r-- config.yaml",
		"-rwxr-xr-x dispatch",
		"-rw-r--r-- icon.svg",
		"-rw-r--r-- manifest.yaml",
		"-rw-r--r-- metadata.yaml",
		"-rwxr-xr-x worker",
	}
	if diff := cmp.Diff(want, listing); diff != "" {
		t.Error(diff)
	}
	if got := content["config.yaml"]; got != "content of config.yaml\n" {
		t.Errorf("config.yaml: %q", got)
	}
	const aarch64 = "\xb7\x00" // e_machine of an ELF header
	if dispatch := content["dispatch"]; !strings.HasPrefix(dispatch, "\x7fELF") || dispatch[18:20] != aarch64 {
		t.Error("dispatch is no program for arm64")
	}
	wantManifest := `bases:
- name: ubuntu
  channel: "22.04"
  architectures: [arm64]
- name: ubuntu
  channel: "24.04"
  architectures: [arm64]
`
	if diff := cmp.Diff(wantManifest, content["manifest.yaml"]); diff != "" {
		t.Error(diff)
	}
}

func TestStage(t *testing.T) {
	root, stage := project(t), t.TempDir()
	if err := run(root, "rolling-ops", "amd64", "", "", stage); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(stage)
	if err != nil {
		t.Fatal(err)
	}
	var listing []string
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		listing = append(listing, info.Mode().String()+" "+entry.Name())
	}
	want := []string{"-rw-r--r-- LICENSE", "-rw-r--r-- README.md", "-rwxr-xr-x dispatch", "-rw-r--r-- icon.svg", "-rwxr-xr-x worker"}
	if diff := cmp.Diff(want, listing); diff != "" {
		t.Error(diff)
	}
}

func TestErrors(t *testing.T) {
	for name, test := range map[string]struct {
		arch, remove, want string
	}{
		"architecture": {"s390x", "go.sum", `cannot build for architecture "s390x"`},
		"program":      {"amd64", "cmd/worker", "cannot build worker"},
		"document":     {"amd64", "LICENSE", "cannot read a file of the charm"},
		"charm file":   {"amd64", "metadata.yaml", "cannot read a file of the charm"},
	} {
		t.Run(name, func(t *testing.T) {
			root := project(t)
			if err := os.RemoveAll(filepath.Join(root, test.remove)); err != nil {
				t.Fatal(err)
			}
			err := run(root, "rolling-ops", test.arch, root, "", "")
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// What charmcraft packs and what this program packs is said in two places.
func TestCharmcraftAgrees(t *testing.T) {
	text, err := os.ReadFile("../../charmcraft.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var charmcraft struct {
		Platforms map[string]any
		Parts     map[string]struct{ Prime []string }
	}
	if err := yaml.Unmarshal(text, &charmcraft); err != nil {
		t.Fatal(err)
	}
	platforms := map[string]any{}
	for _, base := range bases {
		for _, arch := range charmfile.Architectures {
			platforms["ubuntu@"+base+":"+arch] = nil
		}
	}
	if diff := cmp.Diff(platforms, charmcraft.Platforms); diff != "" {
		t.Errorf("platforms: %s", diff)
	}
	if diff := cmp.Diff(slices.Concat(slices.Sorted(maps.Keys(programs)), documents), charmcraft.Parts["charm"].Prime); diff != "" {
		t.Errorf("prime: %s", diff)
	}
}

// The other charm has the same programs, and its own metadata.
func TestSubordinateCharm(t *testing.T) {
	root, dir := project(t), t.TempDir()
	if err := run(root, "rolling-ops-subordinate", "amd64", root, dir, ""); err != nil {
		t.Fatal(err)
	}
	metadata, err := os.ReadFile(filepath.Join(dir, "metadata.yaml"))
	if err != nil || string(metadata) != "content of the other metadata.yaml\n" {
		t.Errorf("%q, %v", metadata, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "dispatch")); err != nil {
		t.Error(err)
	}
	if err := run(root, "other", "amd64", root, dir, ""); err == nil || !strings.Contains(err.Error(), "rolling-ops and rolling-ops-subordinate") {
		t.Errorf("an unknown charm: %v", err)
	}
}

// Both charms have the same actions, options and platforms.
func TestCharmsShareWhatTheyCan(t *testing.T) {
	for _, name := range []string{"actions.yaml", "config.yaml"} {
		if got, err := os.Readlink("../../charms/subordinate/" + name); err != nil || got != "../../"+name {
			t.Errorf("%s is no link to the other charm's: %q, %v", name, got, err)
		}
	}
	var platforms [2]any
	for i, path := range []string{"../../charmcraft.yaml", "../../charms/subordinate/charmcraft.yaml"} {
		var file map[string]any
		text, err := os.ReadFile(path)
		if err == nil {
			err = yaml.Unmarshal(text, &file)
		}
		if err != nil {
			t.Fatal(err)
		}
		platforms[i] = file["platforms"]
	}
	if diff := cmp.Diff(platforms[0], platforms[1]); diff != "" {
		t.Error(diff)
	}
}
