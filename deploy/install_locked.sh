#!/bin/sh
# Installs the packages of a lock file into an environment, hashes checked: install_locked.sh ENVIRONMENT LOCK...
# uv of .venv does it, in a tenth of pip's time; pip where there is none, and where uv fails. UNCOMPILED=1 leaves modules to be compiled when
# they are first imported.
set -eu
environment=$1
shift
python=$environment/bin/python
uv=.venv/bin/uv

quickly() {
    [ -x "$uv" ] || return 1
    # Copied, not linked: whoever edits an installed file edits it for no other environment
    set -- --python "$python" --require-hashes --link-mode copy "$@"
    [ -n "${UNCOMPILED:-}" ] || set -- --compile-bytecode "$@"
    "$uv" pip install -q "$@" || { echo "uv gave up; pip goes on"; return 1; }
}

slowly() {
    [ -z "${UNCOMPILED:-}" ] || set -- --no-compile "$@"
    "$python" -m pip install -q --disable-pip-version-check --require-hashes "$@"
}

for lock; do
    quickly -r "$lock" || slowly -r "$lock"
done
