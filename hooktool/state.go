package hooktool

import "context"

// StateGet returns the unit's server-side state (state-get), what was written in this hook included.
func (t *Tools) StateGet(ctx context.Context) (map[string]string, error) {
	var state map[string]string
	err := t.ask(ctx, query("state-get"), &state)
	return state, err
}

// StateSet sets keys of the unit's server-side state (state-set) when the hook succeeds. Keys that are not named
// stay. Without values no call is made. Errors name keys only.
func (t *Tools) StateSet(ctx context.Context, values map[string]string) error {
	return t.set(ctx, "state-set", nil, values)
}

// StateDelete deletes a key of the unit's server-side state (state-delete) when the hook succeeds. A key that does
// not exist is no error.
func (t *Tools) StateDelete(ctx context.Context, key string) error {
	return t.tell(ctx, call{tool: "state-delete", args: []string{"--", key}})
}
