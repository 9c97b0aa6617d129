#!/usr/bin/env bash
# Makes a virtual environment match its pins (hashes checked).
#   python_env.sh [FOLDER NAME]     build/NAME, from FOLDER/requirements.txt; the tests' when nothing is named
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
folder=${1:-tests/http} name=${2:-venv}
venv=$root/build/$name
pins=$root/$folder/requirements.txt
cmp -s "$pins" "$venv/installed.txt" && exit 0

# Debian's own Python has the venv module that scripts/setup.sh installed; another one first in PATH may not.
python=/usr/bin/python3
[[ -x $python ]] || python=python3
rm -rf "$venv"
mkdir -p "$root/build"
log=$root/build/$name.log
say "installing the Python packages of $folder in build/$name"
"$python" -m venv "$venv" > "$log" 2>&1 &&
  "$venv/bin/python" -m pip --disable-pip-version-check install -q --require-hashes --only-binary :all: --no-deps \
    -r "$pins" >> "$log" 2>&1 ||
  die "cannot make build/$name ($(grep -m 1 -iE 'error' "$log" || tail -n 1 "$log")); the whole log is $log"
cp "$pins" "$venv/installed.txt"
