#!/bin/sh
# Installs Yinxin from this bundle into a folder that is not there yet: sh install.sh /opt/yinxin
# Asks no network. PYTHON=/path/to/python3.11 chooses the Python.
set -eu
umask 022
target=${1:?"say where to install, such as: sh install.sh /opt/yinxin"}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
python=${PYTHON:-python3}

[ ! -e "$target" ] || { echo "$target is there already: name another place. $target 已存在，请换一个位置。" >&2; exit 1; }
(cd "$here" && sha256sum --quiet -c SHA256SUMS) || { echo "The bundle is damaged: copy it again. 安装包已损坏，请重新复制。" >&2; exit 1; }
wanted=$(basename "$here" | sed 's/.*-cp\([0-9]\)\([0-9]*\)-.*/\1.\2/')
found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
[ "$found" = "$wanted" ] || { echo "The bundle is for Python $wanted, $python is $found: set PYTHON. 安装包适用于 Python $wanted，请用 PYTHON 指定。" >&2; exit 1; }
"$python" -m venv "$target" || { echo "$python cannot make an environment: install its venv. 请安装该 Python 的 venv。" >&2; exit 1; }

pip() { "$target/bin/python" -m pip --isolated -q --disable-pip-version-check "$@"; }
pip install --no-index --find-links "$here/wheelhouse" --require-hashes -r "$here/requirements.lock"
pip install --no-index --no-deps "$here"/yinxin-*.whl
"$target/bin/yinxin" --version
