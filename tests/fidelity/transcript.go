package fidelity

import "regexp"

// volatile is what differs from one deployment to the next.
var volatile = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`), "UUID"},
	{regexp.MustCompile(`([a-z-]+/\d+-[a-z-]+)-[0-9a-f]{10,}`), "$1-ID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?`), "TIME"},
	{regexp.MustCompile(`\b[0-9a-f]{2}(:[0-9a-f]{2}){5}\b`), "MAC"},
	{regexp.MustCompile(`\b\d+\.\d+\.\d+\.\d+(/\d+)?(:\d+)?\b`), "ADDRESS"},
	{regexp.MustCompile(`fe80:[0-9a-f:]+|fd[0-9a-f]{2}:[0-9a-f:]+`), "ADDRESS6"},
	{regexp.MustCompile(`[^\s="]+/agents/unit-rolling-ops-`), "AGENTS/"},
	{regexp.MustCompile(`(?m)^(\s*JUJU_(?:VERSION|MODEL_NAME|AVAILABILITY_ZONE|API_ADDRESSES|MACHINE_ID)=).*$`), "${1}VALUE"},
	{regexp.MustCompile(`(?m)^(\s*JUJUSIM_\w+=).+$`), "${1}VALUE"},
	{regexp.MustCompile(`(?m)^(\s*PATH=)[^:]+:.*$`), "${1}TOOLS:..."},
	{regexp.MustCompile(`(JUJU_ACTION_(?:UUID|TAG)=(?:action-)?)\d+`), "${1}N"},
}

// normalize replaces what differs from one deployment to the next.
func normalize(text string) string {
	for _, v := range volatile {
		text = v.pattern.ReplaceAllString(text, v.name)
	}
	return text
}

var eventLine = regexp.MustCompile(`(?m)^((hooks|actions)/.*|juju-exec)\n`)

// WithoutEvents returns a transcript without the lines that tell of an event.
// When a unit hears of what happens elsewhere, and so whether before something
// else and how many changes at once, Juju leaves open; what tools answer it does
// not.
func WithoutEvents(transcript string) string { return eventLine.ReplaceAllString(transcript, "") }
