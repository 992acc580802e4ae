"""Compares make charm's charm with charmcraft's: compare.py OURS THEIRS...

All hold the same files with the same content and modes, but for manifest.yaml:
charmcraft makes a charm for each base, and stamps it.
"""

import hashlib
import sys
import zipfile
from importlib.metadata import version

import yaml

# All that charmcraft adds to manifest.yaml, besides the time of the build.
STAMPS = {
    "charmcraft-version": version("charmcraft"),
    "analysis": {  # what its linters make of a charm that is not in Python
        "attributes": [
            {"name": "language", "result": "unknown"},
            {"name": "framework", "result": "unknown"},
        ]
    },
}


def read(path):
    """Return a charm's manifest, and what to compare of each of its files."""
    manifest, files = {}, {}
    with zipfile.ZipFile(path) as charm:
        for entry in charm.infolist():
            content = charm.read(entry)
            if entry.filename == "manifest.yaml":
                manifest, content = yaml.safe_load(content), b""
            digest = hashlib.sha256(content).hexdigest()
            files[entry.filename] = f"mode {entry.external_attr >> 16:o}, SHA-256 {digest}"
    return manifest, files


def main(our_path, *their_paths):
    manifest, ours = read(our_path)
    differences, bases = [], []
    for path in their_paths:
        stamps, theirs = read(path)
        for name in sorted(ours.keys() | theirs.keys()):
            our, their = ours.get(name, "absent"), theirs.get(name, "absent")
            if our != their:
                differences.append(f"{path}: {name}: {our} here, {their} there")
        bases += stamps.pop("bases", [])
        if not stamps.pop("charmcraft-started-at", "") or stamps != STAMPS:
            differences.append(f"{path}: manifest.yaml: charmcraft's stamps are {stamps}")
    if manifest != {"bases": bases}:
        differences.append(f"manifest.yaml: {manifest} here, bases {bases} there")
    if differences:
        sys.exit("\n".join(differences))
    print(f"{len(ours)} files are the same: {' '.join(sorted(ours))}")
    print("but for what charmcraft has in manifest.yaml: one base a charm,", end=" ")
    print(", ".join(["charmcraft-started-at", *STAMPS]))


main(*sys.argv[1:])
