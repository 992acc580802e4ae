package statedir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestOpenRefuses(t *testing.T) {
	for _, test := range []struct {
		name, want string
		prepare    func(path string) error
	}{
		{"symbolic link", "is not a directory", func(path string) error { return os.Symlink(t.TempDir(), path) }},
		{"link to nothing", "cannot make state directory", func(path string) error { return os.Symlink(path+"x", path) }},
		{"file", "cannot make state directory", func(path string) error { return os.WriteFile(path, nil, 0o600) }},
		{"FIFO", "cannot make state directory", func(path string) error { return syscall.Mkfifo(path, 0o600) }},
		{"writable by everybody", "is writable by everybody", func(path string) error {
			return errors.Join(os.Mkdir(path, 0o700), os.Chmod(path, 0o1777))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state")
			if err := test.prepare(path); err != nil {
				t.Fatal(err)
			}
			if d, err := Open(path); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, %v; want %s", d, err, test.want)
			}
		})
	}
}

func TestWhomADirectoryMayBelongTo(t *testing.T) {
	const me, other = 1000, 1001
	for _, test := range []struct {
		name, want    string
		uid, gid, mod uint32
	}{
		{"own", "", me, me, 0o750},
		{"root's", "", 0, 0, 0o755},
		{"another user's", "belongs to user 1001", other, me, 0o700},
		{"writable by everybody", "is writable by everybody", me, me, 0o702},
		{"writable by everybody, sticky", "is writable by everybody", 0, 0, 0o1777},
		{"writable by own group", "", me, me, 0o770},
		{"writable by root's group", "", me, 0, 0o770},
		{"writable by another group", "is writable by group 1001", me, other, 0o770},
		{"readable by another group", "", me, other, 0o750},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if err := trust(unix.Stat_t{Uid: test.uid, Gid: test.gid, Mode: unix.S_IFDIR | test.mod}, me, me); err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// operations are all that open a file by its name.
var operations = map[string]func(*Dir, string) error{
	"Append":   func(d *Dir, name string) error { return closed(d.Append(name)) },
	"Lockable": func(d *Dir, name string) error { return closed(d.Lockable(name)) },
	"Create":   func(d *Dir, name string) error { return closed(d.Create(name)) },
	"Read":     func(d *Dir, name string) error { return closed(d.Read(name)) },
	"ReadAll":  func(d *Dir, name string) error { _, err := d.ReadAll(name, 10); return err },
	"FIFO": func(d *Dir, name string) error {
		fd, err := d.FIFO(name)
		if err == nil {
			unix.Close(fd)
		}
		return err
	},
}

func closed(f *os.File, err error) error {
	if err == nil {
		return f.Close()
	}
	return err
}

// None of them follows a link, waits at a FIFO or writes to a device.
func TestFilesOfAnotherTypeAreRefused(t *testing.T) {
	for kind, prepare := range map[string]func(path string) error{
		"link":              func(path string) error { return os.Symlink("target", path) },
		"link to nothing":   func(path string) error { return os.Symlink("nothing", path) },
		"link to a device":  func(path string) error { return os.Symlink("/dev/zero", path) },
		"directory":         func(path string) error { return os.Mkdir(path, 0o700) },
		"FIFO":              func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"FIFO with readers": fifoWithReader(t),
	} {
		for operation, do := range operations {
			if operation == "FIFO" && strings.HasPrefix(kind, "FIFO") {
				continue
			}
			t.Run(operation+" of "+kind, func(t *testing.T) {
				dir := t.TempDir()
				target := filepath.Join(dir, "target")
				if err := errors.Join(os.WriteFile(target, []byte("kept"), 0o600), prepare(dir+"/file")); err != nil {
					t.Fatal(err)
				}
				if err := do(open(t, dir), "file"); err == nil {
					t.Error("opened it")
				}
				if got, _ := os.ReadFile(target); string(got) != "kept" {
					t.Errorf("the link's target has %q", got)
				}
				if _, err := os.Stat(dir + "/nothing"); err == nil {
					t.Error("the link's target was made")
				}
			})
		}
	}
}

// A device cannot be made in a directory without root's rights; /dev has some.
func TestDevicesAreRefused(t *testing.T) {
	fd, err := unix.Open("/dev", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	d := &Dir{"/dev", fd}
	defer d.Close()
	for operation, do := range operations {
		if err := do(d, "null"); err == nil || !strings.Contains(err.Error(), "unexpected type of file") {
			t.Errorf("%s: got %v", operation, err)
		}
	}
}

func fifoWithReader(t *testing.T) func(string) error {
	return func(path string) error {
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_RDWR|syscall.O_NONBLOCK, 0)
		if err == nil {
			t.Cleanup(func() { f.Close() })
		}
		return err
	}
}

func TestNamesStayInTheDirectory(t *testing.T) {
	d := open(t, t.TempDir())
	for _, name := range []string{"", ".", "..", "../x", "a/b", "/etc/passwd", "a\x00b"} {
		for operation, do := range operations {
			if err := do(d, name); err == nil || !strings.Contains(err.Error(), "is no name of a file") {
				t.Errorf("%s of %q: got %v", operation, name, err)
			}
		}
		for operation, err := range map[string]error{
			"Replace": d.Replace(name, nil), "Remove": d.Remove(name),
			"Rename": d.Rename(name, "x"), "Rename to": d.Rename("x", name),
		} {
			if err == nil || !strings.Contains(err.Error(), "is no name of a file") {
				t.Errorf("%s of %q: got %v", operation, name, err)
			}
		}
	}
}

// The directory stays the one that was examined, whatever takes its place.
func TestDirectoryIsLookedUpOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	d := open(t, path)
	if err := errors.Join(os.Rename(path, path+".away"), os.Symlink(t.TempDir(), path)); err != nil {
		t.Fatal(err)
	}
	if err := d.Replace("file", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".away/file"); err != nil {
		t.Error(err)
	}
}

func TestReplaceAndReadAll(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "some", "state")
	d := open(t, dir)
	if _, err := d.ReadAll("note", 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing file: got %v", err)
	}
	for _, content := range []string{"first", "second", ""} {
		// A process was killed in mid-replacement, or somebody laid a trap.
		if err := os.Symlink("/dev/full", dir+"/note.new"); err != nil {
			t.Fatal(err)
		}
		if err := d.Replace("note", []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got, err := d.ReadAll("note", 10); err != nil || string(got) != content {
			t.Errorf("got %q, %v; want %q", got, err, content)
		}
	}
	if err := d.Replace("note", []byte("01234567890")); err != nil {
		t.Fatal(err)
	}
	if got, err := d.ReadAll("note", 10); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: got %q, %v", got, err)
	}
	if got, err := d.ReadAll("note", 11); err != nil || len(got) != 11 {
		t.Errorf("just small enough: got %q, %v", got, err)
	}
	if err := errors.Join(d.Remove("note"), d.Remove("note")); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestFailedReplaceKeepsTheFile(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	if err := os.MkdirAll(dir+"/note/full", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := d.Replace("note", []byte("x")); err == nil {
		t.Error("replaced a directory")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "note" {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	d := open(t, dir)
	if err := d.Replace("replaced", nil); err != nil {
		t.Fatal(err)
	}
	for _, operation := range []string{"Append", "Lockable", "Create", "FIFO"} {
		if err := operations[operation](d, operation); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]fs.FileMode{}
	for _, name := range []string{"", "Append", "Create", "FIFO", "Lockable", "replaced"} {
		fi, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = fi.Mode()
	}
	want := map[string]fs.FileMode{
		"": fs.ModeDir | 0o750, "Append": 0o640, "Create": 0o640, "FIFO": fs.ModeNamedPipe | 0o600,
		"Lockable": 0o600, "replaced": 0o600,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modes (-want +got):\n%s", diff)
	}
}

func open(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}
