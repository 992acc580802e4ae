#!/bin/sh
# Run a command with a juju-exec at /usr/bin/juju-exec:
# with-juju-exec.sh PROGRAM COMMAND [ARGUMENT ...]
#
# The Python library calls it by that path, which a machine without Juju does
# not have. Only the command and what it starts see it: they get a mount
# namespace of their own, with a layer over /usr/bin. Needs root or unprivileged
# user namespaces.
set -eu
program=$(realpath "$1")
shift
flags=--mount
[ "$(id -u)" = 0 ] || flags="--mount --map-root-user"
exec unshare $flags sh -eu -c '
	program=$1
	shift
	layer=$(mktemp -d)
	mount -t tmpfs tmpfs "$layer"
	mkdir "$layer/upper" "$layer/work"
	mount -t overlay overlay -o "lowerdir=/usr/bin,upperdir=$layer/upper,workdir=$layer/work" /usr/bin
	ln -sf "$program" /usr/bin/juju-exec
	exec "$@"
' sh "$program" "$@"
