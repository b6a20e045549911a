#!/bin/sh
# Installs the bundle in dist/ into a fresh folder, without a network where the system can take it away, and tries what came of it:
# a demonstration is made, its sealed document is valid, its forged copy is not, the documents are there.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tar -xf dist/yinxin-bundle-*.tar -C "$work"
cd "$work"
alone=
unshare -rn true 2>/dev/null && alone="unshare -rn" || echo "unshare is not allowed here: the network stays reachable, pip is still told to ask no index"

PYTHON="${PYTHON:-python3}" $alone sh yinxin-bundle-*/install.sh "$work/installed"
yinxin=$work/installed/bin/yinxin
$alone "$yinxin" doctor
$alone "$yinxin" demo --dir "$work/demo" --no-serve --json > facts.json
$alone "$yinxin" verify demo/demo/sealed.pdf --trust demo/demo/trust.json
status=0
$alone "$yinxin" verify demo/demo/forged.pdf --trust demo/demo/trust.json || status=$?
[ "$status" = 1 ] || { echo "the forged copy is not called invalid" >&2; exit 1; }
cd /
"$work/installed/bin/python" -c '
from yinxin.help.library import INSTALLED, Library, folder_of_pages
assert folder_of_pages() == INSTALLED, folder_of_pages()
print(len(Library(INSTALLED).names()), "pages of help inside")'
echo "The bundle installs and works${alone:+ without a network}."
