#!/usr/bin/env bash
# Makes the tests' virtual environment at build/venv match tests/http/requirements.txt (hashes checked).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
venv=$root/build/venv
pins=$root/tests/http/requirements.txt
cmp -s "$pins" "$venv/installed.txt" && exit 0

# Debian's own Python has the venv module that scripts/setup.sh installed; another one first in PATH may not.
python=/usr/bin/python3
[[ -x $python ]] || python=python3
rm -rf "$venv"
mkdir -p "$root/build"
log=$root/build/venv.log
say "installing the tests' Python packages in build/venv"
"$python" -m venv "$venv" > "$log" 2>&1 &&
  "$venv/bin/python" -m pip --disable-pip-version-check install -q --require-hashes --only-binary :all: --no-deps \
    -r "$pins" >> "$log" 2>&1 ||
  die "cannot make build/venv ($(grep -m 1 -iE 'error' "$log" || tail -n 1 "$log")); the whole log is $log"
cp "$pins" "$venv/installed.txt"
