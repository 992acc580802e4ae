#!/usr/bin/env bash
# as-ubuntu.sh SCRATCH VERSION COMMAND... runs a command that takes this machine
# for a container of Ubuntu VERSION: charmcraft packs only on the platform's
# Ubuntu, and looks for snaps only outside of containers. The claim is made in a
# mount namespace that ends with the command; SCRATCH is an empty directory.
set -euo pipefail
[ -n "${AS_UBUNTU:-}" ] || AS_UBUNTU=1 exec unshare --mount "$0" "$@"
scratch=$1 version=$2
shift 2

mount -t tmpfs tmpfs "$scratch"
mkdir "$scratch/run" "$scratch/work"
cat >"$scratch/os-release" <<END
ID=ubuntu
ID_LIKE=debian
NAME=Ubuntu
VERSION_ID="$version"
END
mount --bind "$scratch/os-release" /etc/os-release

touch "$scratch/run/.containerenv" # as in Podman's containers
mount -t overlay -o "lowerdir=/run,upperdir=$scratch/run,workdir=$scratch/work" overlay /run

exec "$@"
