#!/usr/bin/env bash
# check.sh makes the charm with charmcraft and with make charm, and compares the
# results. See "Packing with charmcraft" in docs/testing.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/tests/charmcraft
venv=$PWD/build/charmcraft

fail() { echo "charmcraft-check: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "run it as root: it mounts, in a namespace of its own, what makes charmcraft see an Ubuntu"
command -v go >/dev/null || fail "no go on PATH"
if ! /usr/bin/python3 -c 'import apt, ensurepip' 2>/dev/null; then
	command -v apt-get >/dev/null || fail "charmcraft needs python3-apt, which only Debian and Ubuntu have"
	apt-get -qq update
	apt-get -qq install -y python3-apt python3-venv
fi

if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
	rm -rf "$venv"
	/usr/bin/python3 -m venv "$venv"
	"$venv/bin/pip" install --quiet -r "$here/requirements.txt"
	# python3-apt is not on PyPI, and the system's other packages are too old.
	ln -s /usr/lib/python3/dist-packages/apt* "$venv"/lib/python3*/site-packages/
	cp "$here/requirements.txt" "$venv"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022
mkdir -m 700 "$work/runtime"
export XDG_RUNTIME_DIR=$work/runtime XDG_STATE_HOME=$work/state

# Each charm is made in a copy of the project, because charmcraft builds beside
# the sources; with the modes of a usual checkout, which charmcraft keeps.
mkdir "$work/project"
tar -c --mode=u=rwX,go=rX --exclude=./.git --exclude=./build --exclude=./bin --exclude='./*.charm' . |
	tar -x -C "$work/project"
cp -a "$work/project" "$work/make"
arch=$(go env GOARCH)
make -C "$work/make" charm "ARCH=$arch"

versions=$(sed -n "s/^  ubuntu@\(.*\):$arch:\$/\1/p" charmcraft.yaml)
[ -n "$versions" ] || fail "charmcraft.yaml has no platform for $arch"
for version in $versions; do mkdir "$work/ubuntu-$version"; done
check() { # NAME DIRECTORY: make a charm for each version, and compare
	local charms=() charm version
	for version in $versions; do
		cp -a "$work/project" "$work/$1-$version"
		charm=$work/$1-$version/$2/$1_ubuntu@$version-$arch.charm
		(
			cd "$work/$1-$version/$2"
			"$here/as-ubuntu.sh" "$work/ubuntu-$version" "$version" \
				"$venv/bin/charmcraft" pack --verbose --destructive-mode --platform "ubuntu@$version:$arch"
		)
		"$venv/bin/charmcraft" analyse "$charm"
		charms+=("$charm")
	done
	"$venv/bin/python" "$here/compare.py" "$work/make/$1_$arch.charm" "${charms[@]}"
}
check rolling-ops .
check rolling-ops-subordinate charms/subordinate
