#!/bin/sh
# Makes .venv with the locked packages of the given lock file and the command `yinxin` in it. Needs no root.
# Ways to get an environment, in order: python3's own venv; virtualenv; uv; virtualenv fetched by pip into .tooling.
set -eu
lock=$1
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "Yinxin needs Python 3.11 or newer; '$python' is $("$python" -V 2>&1). Set PYTHON=/path/to/python3.11" >&2
    exit 1
}

works() { [ -x .venv/bin/python ] && .venv/bin/python -m pip --version >/dev/null 2>&1; }

if ! works; then
    rm -rf .venv
    if "$python" -m venv .venv >/dev/null 2>&1 && works; then :
    elif rm -rf .venv && "$python" -m virtualenv -q .venv >/dev/null 2>&1 && works; then :
    elif rm -rf .venv && command -v uv >/dev/null 2>&1 && uv venv -q --seed --python "$python" .venv && works; then :
    elif rm -rf .venv && "$python" -m pip --version >/dev/null 2>&1; then
        echo "python3 has no venv here: fetching virtualenv into .tooling"
        "$python" -m pip install -q --target .tooling virtualenv
        PYTHONPATH=.tooling "$python" -m virtualenv -q .venv
    fi
    works || {
        echo "No way to make a Python environment: install python3-venv, virtualenv, uv or pip, then run this again" >&2
        exit 1
    }
fi

echo "Installing the packages of $lock (hashes checked)"
# uv does not read where pip was told to fetch from, and asks the public index instead: there pip fetches everything
told=$(.venv/bin/python -m pip config list 2>/dev/null || true)
if printf '%s\n' "$told" | grep -Eq '\.(index-url|extra-index-url|no-index|proxy|trusted-host|client-cert)=' ||
    { [ -z "${SSL_CERT_FILE:-}" ] && printf '%s\n' "$told" | grep -q '\.cert='; }; then
    .venv/bin/python -m pip uninstall -q -y uv 2>/dev/null
else
    # Not to be had for every processor: then pip fetches everything too
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r requirements-uv.lock 2>/dev/null || true
fi
# The pip that comes with Python may be years old, and takes three times as long to look through what there is
sh deploy/install_locked.sh .venv requirements-pip.lock "$lock"
# Errors alone: what the build remarks of installations that follow the sources is so on purpose
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
