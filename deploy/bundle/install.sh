#!/bin/sh
# Installs Yinxin from this bundle into a folder that is not there yet: sh install.sh /opt/yinxin
# Asks no network. PYTHON=/path/to/python3.11 chooses the Python.
set -eu
umask 022
target=${1:?"say where to install, such as: sh install.sh /opt/yinxin"}
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
python=${PYTHON:-python3}

[ ! -e "$target" ] || { echo "$target is there already: name another place. $target 已存在，请换一个位置。" >&2; exit 1; }
# A line that is none counts as damage, and nothing is installed that no line names, such as what an older bundle in the same folder left
(cd "$here" && sha256sum --quiet --strict -c SHA256SUMS) || { echo "The bundle is damaged: copy it again. 安装包已损坏，请重新复制。" >&2; exit 1; }
(cd "$here" && find . -name requirements.lock -o -name '*.whl') | while read -r file; do
    cut -c 67- "$here/SHA256SUMS" | grep -qxF -- "$file" && continue
    echo "SHA256SUMS does not name $file: unpack the bundle anew, into an empty folder. SHA256SUMS 未列出 $file，请在空目录中重新解包。" >&2
    exit 1
done
wanted=$(basename "$here" | sed 's/.*-cp\([0-9]\)\([0-9]*\)-.*/\1.\2/')
found=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
[ "$found" = "$wanted" ] || { echo "The bundle is for Python $wanted, $python is $found: set PYTHON. 安装包适用于 Python $wanted，请用 PYTHON 指定。" >&2; exit 1; }
# What did not become whole does not stay
not_installed() {
    rm -rf "$target"
    echo "Nothing was installed: mend what is said above and run this again. 未安装任何内容：请先解决上述问题，再重新运行。" >&2
}
trap not_installed EXIT
trap 'exit 1' HUP INT TERM
"$python" -m venv "$target" || { echo "$python cannot make an environment: install its venv. 请安装该 Python 的 venv。" >&2; exit 1; }

pip() { "$target/bin/python" -m pip --isolated -q --disable-pip-version-check "$@"; }
pip install --no-index --find-links "$here/wheelhouse" --require-hashes -r "$here/requirements.lock"
pip install --no-index --no-deps "$here"/yinxin-*.whl
"$target/bin/yinxin" --version
trap - EXIT
