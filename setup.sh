#!/bin/sh
# Installs the locked Python requirements into a virtual environment inside the checkout.
# usage: setup.sh PYTHON VENV
set -eu
python=$1
venv=$2

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "setup: $("$python" --version) is too old; install Python 3.11 or newer, or run make PYTHON=python3.12" >&2
    exit 2
}
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv" || {
    echo "setup: $python cannot make a virtual environment; on Debian or Ubuntu: apt-get install python3-venv" >&2
    exit 2
}
echo "setup: installing the locked requirements into $venv"
sed -n '/^uv==/,/^[^ ]/{/^uv==/p;/^    --hash/p}' requirements.txt > "$venv/uv.txt"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$venv/uv.txt"
VIRTUAL_ENV="$venv" "$venv/bin/uv" pip sync --quiet --require-hashes requirements.txt
VIRTUAL_ENV="$venv" "$venv/bin/uv" pip install --quiet --no-deps --no-build-isolation --editable .

# Some environments forbid writing bytecode later, and compiling what a command loads takes as long
# as the command.
site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
(cd "$site" && "$venv/bin/python" -m compileall -q botocore click dateutil jmespath rich urllib3)
"$venv/bin/python" -m compileall -q snapshot_tool
