package jujulike

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// call is one call of juju.
type call struct {
	ctx            context.Context
	w              World
	stdout, stderr io.Writer

	words []string // arguments that are no flags
	flags map[string]string
}

// valueFlags are those that take a value; the others do not.
var valueFlags = map[string]bool{
	"-m": true, "--model": true, "--format": true, "--endpoint": true, "--wait": true, "--unit": true, "-u": true, "--params": true,
}

// Answer answers one call of juju, args being those behind the program's name. It
// returns the exit code.
func Answer(ctx context.Context, w World, args []string, stdout, stderr io.Writer) int {
	c := &call{ctx: ctx, w: w, stdout: stdout, stderr: stderr, flags: make(map[string]string)}
	err := c.parse(args)
	if err == nil {
		err = c.answer()
	}
	if err == nil {
		return 0
	}
	if c.flags["--format"] == "json" && !errors.As(err, new(taskError)) {
		fmt.Fprintln(stdout, "{}")
	}
	fmt.Fprintf(stderr, "ERROR %v\n", err)
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}

type usageError struct{ error }

// taskError says that tasks failed, of which the output is told already. Its text
// ends as the client's does, with an empty line.
type taskError string

func (e taskError) Error() string { return string(e) }

func (c *call) parse(args []string) error {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		name, value, joined := strings.Cut(arg, "=")
		switch {
		case arg == "--":
			c.words = append(c.words, args[i+1:]...)
			return nil
		case !strings.HasPrefix(arg, "-"):
			c.words = append(c.words, arg)
		case !valueFlags[name]:
			c.flags[name] = "true"
		case joined:
			c.flags[name] = value
		case i+1 == len(args):
			return usageError{fmt.Errorf("option needs an argument: %s", arg)}
		default:
			i++
			c.flags[name] = args[i]
		}
	}
	if len(c.words) == 0 {
		return usageError{errors.New("no command")}
	}
	return nil
}

func (c *call) answer() error {
	view := c.w.Look()
	model := c.flags["-m"] + c.flags["--model"]
	if name := model[strings.LastIndex(model, ":")+1:]; model != "" && name != view.Model {
		return fmt.Errorf("model %s:%s not found", view.Controller, name)
	}
	verb, words := c.words[0], c.words[1:]
	switch verb {
	case "status":
		if c.flags["--format"] == "" {
			return writeTable(c.stdout, view)
		}
		return c.print(statusOf(view))
	case "show-unit":
		return c.showUnit(view, words)
	case "run":
		return c.run(view, words)
	case "show-task":
		return c.showTask(words)
	case "cancel-task":
		return c.cancelTask(words)
	case "exec":
		return c.exec(view, words)
	case "actions":
		return c.print(view.Actions)
	case "config":
		return c.config(view, words)
	case "remove-unit":
		return c.removeUnits(words)
	}
	return usageError{fmt.Errorf("juju: %q is not a juju command here: there are status, show-unit, run, show-task, cancel-task, exec, actions, config", verb)}
}

// print writes a value as JSON, which is YAML, too.
func (c *call) print(value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if c.flags["--format"] != "json" {
		if data, err = json.MarshalIndent(value, "", "  "); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(c.stdout, "%s\n", data)
	return err
}

func (c *call) showUnit(view View, words []string) error {
	if len(words) != 1 {
		return usageError{errors.New("an unit name must be supplied")}
	}
	for _, u := range view.Status.Units {
		if u.Name == words[0] {
			return c.print(map[string]any{u.Name: unitOf(view, u, c.flags["--endpoint"])})
		}
	}
	return fmt.Errorf("unit %s not found", words[0])
}

// unit finds a unit by its name, or as app/leader.
func (c *call) unit(view View, name string) (string, error) {
	app, number, _ := strings.Cut(name, "/")
	for _, u := range view.Status.Units {
		if u.Name == name || app == view.Status.App && number == "leader" && u.Leader {
			return u.Name, nil
		}
	}
	if number == "leader" {
		return "", fmt.Errorf("could not determine leader for %q", app)
	}
	return "", fmt.Errorf("unit %q not found", name)
}

func (c *call) run(view View, words []string) error {
	if len(words) < 2 {
		return usageError{errors.New("no unit or no action specified")}
	}
	unit, err := c.unit(view, words[0])
	if err != nil {
		return err
	}
	action := words[1]
	if _, ok := view.Actions[action]; !ok {
		return fmt.Errorf("action %q not defined for unit %q. (not found)", action, unit)
	}
	params, err := parseParams(words[2:], c.flags["--string-args"] != "")
	if err != nil {
		return err
	}
	wait := time.Minute
	if text := c.flags["--wait"]; text != "" {
		if wait, err = time.ParseDuration(text); err != nil {
			return usageError{fmt.Errorf("invalid value %q for option --wait: %w", text, err)}
		}
	}
	id, err := c.w.Start(unit, action, params)
	if err != nil {
		return err
	}
	tag := "unit-" + strings.ReplaceAll(unit, "/", "-")
	if c.flags["--background"] != "" {
		fmt.Fprintf(c.stderr, "Scheduled operation %s with task %s\nCheck operation status with 'juju show-operation %s'\nCheck task status with 'juju show-task %s'\n", id, id, id, id)
		return nil
	}
	fmt.Fprintf(c.stderr, "Running operation %s with 1 task\n  - task %s on %s\n\nWaiting for task %s...\n", id, id, tag, id)
	ctx, cancel := context.WithTimeout(c.ctx, wait)
	defer cancel()
	if err := c.w.Wait(ctx, id); err != nil {
		return fmt.Errorf("timed out waiting for results from: unit %s", unit)
	}
	task, ok := c.w.Task(id)
	if !ok {
		return fmt.Errorf("task %q not found", id)
	}
	if c.flags["--format"] == "" {
		return c.printPlain(task)
	}
	return c.print(map[string]any{unit: taskOf(task)})
}

// printPlain writes a task as juju run does for people: why it failed, or its results.
// What sets none leaves an empty line.
func (c *call) printPlain(task Task) error {
	if task.Status == "failed" {
		if _, err := fmt.Fprintf(c.stdout, "Action id %s failed: %s\n", task.ID, task.Message); err != nil {
			return err
		}
	}
	text := "Task " + task.ID + " " + task.Status
	if task.Results != nil {
		results := maps.Clone(task.Results)
		delete(results, "return-code")
		text = ""
		if len(results) > 0 {
			data, err := yaml.Marshal(results)
			if err != nil {
				return err
			}
			text = string(data)
		}
	}
	_, err := fmt.Fprintln(c.stdout, text)
	return err
}

func (c *call) task(words []string) (Task, error) {
	if len(words) != 1 {
		return Task{}, usageError{errors.New("no task ID specified")}
	}
	task, ok := c.w.Task(words[0])
	if !ok {
		return Task{}, fmt.Errorf("task %q not found", words[0])
	}
	return task, nil
}

func (c *call) showTask(words []string) error {
	task, err := c.task(words)
	if err != nil {
		return err
	}
	if c.flags["--format"] == "" && task.Over() {
		return c.printPlain(task)
	}
	return c.print(taskOf(task))
}

func (c *call) cancelTask(words []string) error {
	task, err := c.task(words)
	if err != nil {
		return err
	}
	if !c.w.Cancel(task.ID) {
		fmt.Fprintf(c.stderr, "WARNING The following tasks could not be canceled:\ntask: %s, error: \n\n", task.ID)
		return nil
	}
	task, _ = c.w.Task(task.ID)
	return c.print(map[string]any{"actions": []any{map[string]any{"id": task.ID, "unit": task.Unit, "status": task.Status, "completed at": "n/a"}}})
}

// config shows the options, or sets some.
func (c *call) config(view View, words []string) error {
	if len(words) == 1 {
		return c.print(configOf(view))
	}
	values := make(map[string]string)
	for _, word := range words[min(1, len(words)):] {
		name, value, ok := strings.Cut(word, "=")
		if !ok {
			return usageError{fmt.Errorf("%q must be of the form key=value", word)}
		}
		values[name] = value
	}
	return c.w.SetConfig(values)
}

func (c *call) removeUnits(words []string) error {
	for _, unit := range words {
		if err := c.w.RemoveUnit(unit, c.flags["--force"] != ""); err != nil {
			return err
		}
		fmt.Fprintf(c.stderr, "will remove unit %s\n", unit)
	}
	return nil
}

func taskOf(t Task) map[string]any {
	out := map[string]any{"id": t.ID, "unit": t.Unit, "status": t.Status}
	if t.Message != "" {
		out["message"] = t.Message
	}
	if len(t.Results) > 0 {
		out["results"] = t.Results
	}
	return out
}

func configOf(view View) map[string]any {
	settings := make(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(view.Config)) {
		settings[name] = map[string]any{"value": view.Config[name]}
	}
	return map[string]any{"application": view.Status.App, "settings": settings}
}
