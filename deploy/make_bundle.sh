#!/bin/sh
# Writes dist/yinxin-bundle-VERSION-PYTHON-MACHINE.tar: everything that an installation without internet needs.
# Run it in .venv's project folder on a machine like the one it is for; the packages are those of requirements.lock, hashes checked.
set -eu
umask 022
python=.venv/bin/python
name=yinxin-bundle-$("$python" -c '
import platform, sys, tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
print(project["version"], f"cp{sys.version_info[0]}{sys.version_info[1]}", f"{sys.platform}_{platform.machine()}", sep="-")')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bundle=$work/$name
mkdir -p "$bundle/wheelhouse" dist

"$python" -m pip download -q --disable-pip-version-check --require-hashes --only-binary :all: -d "$bundle/wheelhouse" -r requirements.lock
# One time for every file of the wheel, so that the same tree gives the same wheel
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-315532800} "$python" -m pip wheel -q --disable-pip-version-check --no-deps --no-build-isolation --no-index -w "$bundle" .
cp requirements.lock LICENSE CHANGELOG.md deploy/bundle/install.sh deploy/bundle/yinxin.service "$bundle"
(cd "$bundle" && find . -type f ! -name SHA256SUMS | LC_ALL=C sort | xargs sha256sum > SHA256SUMS)

# The same files give the same archive: names in order, no owners, one time
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$work" -cf "dist/$name.tar" "$name"
sha256sum "dist/$name.tar"
