// Hookcost is a dispatch that runs dispatch.charm, next to it, and writes what
// that took to a log: a line of JSON a hook.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"rolling-ops/tests/rival/hookcost/cost"
)

func main() {
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "hookcost:", err)
	}
	os.Exit(code)
}

func run() (code int, err error) {
	cmd := exec.Command(filepath.Join(filepath.Dir(os.Args[0]), "dispatch.charm"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	begin := time.Now()
	err = cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return 1, err
	}
	line, err := json.Marshal(cost.Hook{
		Begin:  begin,
		Wall:   time.Since(begin),
		CPU:    cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		Path:   os.Getenv("JUJU_DISPATCH_PATH"),
		Remote: os.Getenv("JUJU_REMOTE_UNIT"),
		Exit:   cmd.ProcessState.ExitCode(),
	})
	if err == nil {
		err = write(append(line, '\n'))
	}
	return cmd.ProcessState.ExitCode(), err
}

func write(line []byte) error {
	log, err := os.OpenFile(cost.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o640)
	if err != nil {
		return err
	}
	defer log.Close()
	_, err = log.Write(line)
	return err
}
