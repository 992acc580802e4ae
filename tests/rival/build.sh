#!/bin/sh
# Build the Python peer as an unpacked charm: build.sh DIRECTORY
#
# The layout is charmcraft's: the libraries are in venv/lib/python3.X/
# site-packages, which is where the library looks for its background worker, and
# the interpreter is /usr/bin/python3, which is what it starts that worker with.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build.sh DIRECTORY}
charm=$here/charm
stamp=$(cat "$charm/requirements.txt" && /usr/bin/python3 --version)

mkdir -p "$out"
if [ "$(cat "$out/.built" 2>/dev/null)" != "$stamp" ]; then
	rm -rf "$out/venv" "$out/.built"
	/usr/bin/python3 -m venv --without-pip "$out/venv"
	python3 -m pip --python "$out/venv/bin/python" install --quiet --no-compile -r "$charm/requirements.txt"
	# Byte code that stays valid when the files are copied, so that no hook is
	# measured while it compiles.
	"$out/venv/bin/python" -m compileall -q --invalidation-mode unchecked-hash "$out/venv/lib" || true
fi
cp -r "$charm/." "$out/"
mkdir -p "$out/lib"
chmod +x "$out/dispatch" "$out/src/charm.py"
echo "$stamp" > "$out/.built"
