#!/bin/sh
# A rollout as an operator drives it, in jujusim shell: the first unit is a canary. The
# rollout pauses when it is done, is resumed, and ends.
type() {
	printf '\n$ %s\n' "$*"
	"$@"
}

type juju-rolling-ops run delay=1 --pause-after first --wait --interval 300ms
code=$?
[ $code -eq 3 ] || { echo "the rollout was to pause, exit code 3: it is $code" >&2; exit 1; }
type juju status
type juju-rolling-ops resume || exit
type juju-rolling-ops status --watch --interval 300ms || exit
type juju-rolling-ops status
