package unit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"rolling-ops/internal/statedir"
)

// Notes are small texts that a unit keeps on its machine, by name. They outlive
// what a databag can't: a hook that dies or fails, whose writes are thrown away.
type Notes interface {
	// Read returns the text, nil if there is none.
	Read(name string) ([]byte, error)
	// Write makes data the text, durably; without data there is none afterwards.
	Write(name string, data []byte) error
}

// NoteFiles is the directory in which each note is a file.
type NoteFiles string

// NotesOf are the notes of the event's unit. Each of several units on one machine
// has a directory of its own in the charm's.
func NotesOf(event Event, stateDir string) NoteFiles {
	return NoteFiles(stateDir + "/" + strings.ReplaceAll(event.Unit, "/", "-"))
}

// maxNote bounds a note, in bytes.
const maxNote = 64 << 10

// Read implements Notes.
func (path NoteFiles) Read(name string) ([]byte, error) {
	dir, err := statedir.Open(string(path))
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	data, err := dir.ReadAll(name, maxNote)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}

// Write implements Notes.
func (path NoteFiles) Write(name string, data []byte) error {
	dir, err := statedir.Open(string(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	if len(data) == 0 {
		return dir.Remove(name)
	}
	return dir.Replace(name, data)
}

// Load reads a note that Save wrote. It leaves into alone if there is none.
func Load(notes Notes, name string, into any) error {
	data, err := notes.Read(name)
	if err == nil && data != nil {
		err = json.Unmarshal(data, into)
	}
	return err
}

// Save writes a note as JSON; nil removes it.
func Save(notes Notes, name string, note any) error {
	var data []byte
	if note != nil {
		var err error
		if data, err = json.Marshal(note); err != nil {
			return fmt.Errorf("cannot write the note %s: %w", name, err)
		}
	}
	if err := notes.Write(name, data); err != nil {
		return fmt.Errorf("cannot write the note %s: %w", name, err)
	}
	return nil
}

// Attempts counts, in a note, the attempts that were cut short.
type Attempts struct {
	Notes Notes
	Log   *slog.Logger
}

const attemptNote = "attempt.json"

// begun is the note of the attempt that is being made.
type begun struct {
	Key   string `json:"key"`
	Times int    `json:"times"`
}

// Begin implements rollingops.Attempts.
func (a Attempts) Begin(key string) (cutShort int, err error) {
	var last begun
	if err := Load(a.Notes, attemptNote, &last); err != nil {
		a.Log.Warn("note on this machine can't be read", "note", attemptNote, "error", err)
	}
	if last.Key != key || last.Times < 0 {
		last = begun{Key: key}
	}
	return last.Times, Save(a.Notes, attemptNote, begun{Key: key, Times: last.Times + 1})
}

// End implements rollingops.Attempts.
func (a Attempts) End(string) error { return Save(a.Notes, attemptNote, nil) }
