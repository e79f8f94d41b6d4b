#!/bin/sh
# Install the pinned uv into .local-tools, a virtualenv of its own. Needs Python 3.11 or newer as `python3`.
set -eu

fail() {
  echo "ERROR: $1" >&2
  exit 1
}

tools=.local-tools
pins=$(dirname "$0")/uv.txt

command -v python3 >/dev/null || fail "python3 is missing: install Python 3.11 or newer"
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "python3 is $(python3 --version 2>&1), Python 3.11 or newer is needed"

rm -rf "$tools"
if ! python3 -m venv "$tools" >/dev/null 2>&1; then
  # Debian ships Python without ensurepip; its pip can install into another environment, where there is one.
  rm -rf "$tools"
  python3 -m venv --without-pip "$tools" || fail "python3 can't create environments: apt-get install python3-venv"
  python3 -m pip --version >/dev/null 2>&1 || fail "pip is missing: apt-get install python3-venv"
  exec python3 -m pip --python "$tools/bin/python" install --quiet --disable-pip-version-check --require-hashes -r "$pins"
fi
exec "$tools/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$pins"
