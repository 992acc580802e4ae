package jujulike

import (
	"errors"
	"fmt"
	"strings"

	"rolling-ops/jujusim/agent"
)

// exec runs a command on units, one after the other.
func (c *call) exec(view View, words []string) error {
	names := c.flags["--unit"] + c.flags["-u"]
	if names == "" || len(words) == 0 {
		return usageError{errors.New("no commands, or no --unit")}
	}
	var units []string
	for name := range strings.SplitSeq(names, ",") {
		unit, err := c.unit(view, name)
		if err != nil {
			return err
		}
		units = append(units, unit)
	}
	results := make(map[string]any)
	plain := make(map[string]string)
	var failed []string
	for i, unit := range units {
		response, err := c.w.Exec(c.ctx, unit, commandLine(words))
		if err != nil {
			return err
		}
		task := Task{ID: fmt.Sprint(i + 1), Unit: unit, Status: "completed", Results: output(response)}
		results[unit] = taskOf(task)
		plain[unit] = ended(response.Stdout) + ended(response.Stderr)
		if response.Code > 0 {
			failed = append(failed, fmt.Sprintf(" - id %q with return code %d", task.ID, response.Code))
		}
	}
	err := c.printExec(units, plain, results)
	if err == nil && len(failed) > 0 {
		s := ""
		if len(failed) > 1 {
			s = "s"
		}
		err = taskError(fmt.Sprintf("the following task%s failed:\n%s\n\nuse 'juju show-task' to inspect the failure%s\n", s, strings.Join(failed, "\n"), s))
	}
	return err
}

// printExec writes what commands wrote, with the units' names if there are several.
func (c *call) printExec(units []string, plain map[string]string, results map[string]any) error {
	if format := c.flags["--format"]; format != "" && format != "plain" {
		return c.print(results)
	}
	for _, unit := range units {
		text := plain[unit]
		if len(units) > 1 {
			text = unit + ":\n" + text + "\n"
		}
		if _, err := fmt.Fprint(c.stdout, text); err != nil {
			return err
		}
	}
	return nil
}

// commandLine is what a shell on the unit gets: one word as it is, several in quotes
// where they need some.
func commandLine(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = word
		if strings.ContainsAny(word, " \t\n\"$\\") {
			quoted[i] = `"` + strings.NewReplacer(`"`, `\"`, `$`, `\$`, `\`, `\\`).Replace(word) + `"`
		}
	}
	return strings.Join(quoted, " ")
}

// ended is what a command wrote, with a newline at its end.
func ended(text []byte) string {
	if len(text) > 0 && text[len(text)-1] != '\n' {
		return string(text) + "\n"
	}
	return string(text)
}

func output(r agent.ExecResponse) map[string]any {
	results := map[string]any{"return-code": r.Code}
	for name, text := range map[string][]byte{"stdout": r.Stdout, "stderr": r.Stderr} {
		if len(text) > 0 {
			results[name] = string(text)
		}
	}
	return results
}
