package juju

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Task is an action on a unit, as juju knows it.
type Task struct {
	ID      string
	Unit    string
	Status  string            // completed, failed, pending, running, cancelled ...
	Message string            // why it failed
	Results map[string]string // set by the action; not to be trusted unless it is completed
}

type shownTask struct {
	ID      string                     `json:"id"`
	Unit    string                     `json:"unit"`
	Status  string                     `json:"status"`
	Message string                     `json:"message"`
	Error   string                     `json:"error"`
	Results map[string]json.RawMessage `json:"results"`
}

func (s shownTask) task() *Task {
	t := &Task{ID: s.ID, Unit: s.Unit, Status: s.Status, Message: Clean(s.Message), Results: make(map[string]string)}
	if t.Message == "" {
		t.Message = Clean(s.Error)
	}
	for key, value := range s.Results {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		t.Results[key] = text
	}
	return t
}

// Param is a parameter of an action as juju run takes it. Its value is YAML:
// Text makes one of a text that must not be taken for a number.
type Param struct{ Name, Value string }

// Text is a parameter whose value is a string, whatever it looks like.
func Text(name, value string) Param {
	quoted, err := json.Marshal(value)
	if err != nil {
		panic(err) // a string has a JSON form
	}
	return Param{name, string(quoted)}
}

// Number is a parameter whose value is an integer.
func Number(name string, value int) Param { return Param{name, strconv.Itoa(value)} }

// PendingError says that an action had not ended when its caller gave up.
type PendingError struct {
	Task     string
	Unit     string
	Canceled bool   // it will not run any more
	Status   string // else, what juju says of it
}

func (e *PendingError) Error() string {
	if e.Canceled {
		return fmt.Sprintf("%s did not begin with the action in time; it was taken back and will not run (task %s).\n"+
			"Is its agent alive? juju status says", e.Unit, e.Task)
	}
	return fmt.Sprintf("%s has not ended the action (task %s, %s), which may still come: look with juju show-task %s",
		e.Unit, e.Task, e.Status, e.Task)
}

// FailedError says that an action ran and failed, or was refused.
type FailedError struct{ Task *Task }

func (e *FailedError) Error() string {
	if e.Task.Message == "" {
		return fmt.Sprintf("the action on %s is %s (task %s)", e.Task.Unit, e.Task.Status, e.Task.ID)
	}
	return e.Task.Message
}

// noTask is the error of a juju run that ends well and has queued nothing, as
// that of Juju 4 does for a unit that does not exist. The reason stands last.
func noTask(stderr string) error {
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	if reason := strings.TrimSpace(lines[len(lines)-1]); reason != "" {
		return fmt.Errorf("juju run: nothing was queued: %s", reason)
	}
	return errors.New("cannot read what juju run prints: no task in it")
}

// Run runs an action on a unit and waits for its end. One that has not begun
// when the time is up, or the context has ended, is taken back.
//
// Errors: *Error, *PendingError, *FailedError.
func (c *Client) Run(ctx context.Context, unit, action string, wait time.Duration, params ...Param) (*Task, error) {
	args := []string{unit, action}
	for _, p := range params {
		args = append(args, p.Name+"="+p.Value)
	}
	args = append(args, "--wait", wait.String(), "--format", "json")
	stdout, stderr, err := c.call(ctx, wait, "run", args...)
	task, known := parseRun(stdout)
	var failed *Error
	switch {
	case known:
		// Juju 3 fails when the task has, and shows it all the same.
	case ctx.Err() != nil, errors.As(err, &failed) && (failed.Kind == TimedOut || failed.Kind == Unreachable):
		id := taskID(stderr)
		if id == "" {
			return nil, err // nothing was queued
		}
		return c.giveUp(context.WithoutCancel(ctx), unit, id)
	case err != nil:
		return nil, err
	default:
		return nil, noTask(string(stderr))
	}
	return ended(task)
}

func ended(task *Task) (*Task, error) {
	if task.Status != "completed" {
		return nil, &FailedError{task}
	}
	return task, nil
}

// parseRun reads a map of one task.
func parseRun(stdout string) (*Task, bool) {
	var shown map[string]shownTask
	if json.Unmarshal([]byte(stdout), &shown) != nil || len(shown) != 1 {
		return nil, false
	}
	for unit, s := range shown {
		if s.Unit == "" {
			s.Unit = unit
		}
		return s.task(), s.Status != ""
	}
	return nil, false
}

var taskNumber = regexp.MustCompile(`(?:Waiting for|with|- )\s*task (\d+)`)

// taskID finds the task that juju run said it had queued.
func taskID(stderr string) string {
	if m := taskNumber.FindStringSubmatch(stderr); m != nil {
		return m[1]
	}
	return ""
}

// giveUp cancels a task, unless it has begun: then it says how it stands.
func (c *Client) giveUp(ctx context.Context, unit, id string) (*Task, error) {
	task, err := c.ShowTask(ctx, id)
	if err != nil {
		return nil, &PendingError{Task: id, Unit: unit, Status: "status unknown"}
	}
	if task.Unit != "" {
		unit = task.Unit
	}
	if task.Status == "pending" {
		_, _, cancelErr := c.call(ctx, 0, "cancel-task", id)
		if task, err = c.ShowTask(ctx, id); err != nil || cancelErr != nil {
			return nil, &PendingError{Task: id, Unit: unit, Status: "pending"}
		}
	}
	switch task.Status {
	case "cancelled", "canceled":
		return nil, &PendingError{Task: id, Unit: unit, Canceled: true}
	case "pending", "running", "aborting":
		return nil, &PendingError{Task: id, Unit: unit, Status: task.Status}
	}
	return ended(task)
}

// ShowTask reads how a task stands.
func (c *Client) ShowTask(ctx context.Context, id string) (*Task, error) {
	var shown shownTask
	if err := c.read(ctx, &shown, "show-task", id); err != nil {
		return nil, err
	}
	return shown.task(), nil
}

// Config reads the options of an application.
func (c *Client) Config(ctx context.Context, app string) (map[string]string, error) {
	var shown struct {
		Settings map[string]struct {
			Value json.RawMessage `json:"value"`
		} `json:"settings"`
	}
	if err := c.read(ctx, &shown, "config", app); err != nil {
		return nil, err
	}
	config := make(map[string]string)
	for name, s := range shown.Settings {
		var text string
		if json.Unmarshal(s.Value, &text) != nil {
			text = string(s.Value)
		}
		config[name] = text
	}
	return config, nil
}

// Actions reads which actions an application has, with what they say of
// themselves.
func (c *Client) Actions(ctx context.Context, app string) (map[string]string, error) {
	var actions map[string]string
	err := c.read(ctx, &actions, "actions", app)
	return actions, err
}
