#!/usr/bin/env bash
# Installs the Debian packages that are missing.
#   setup.sh [SECTION…]     sections of packaging/debian-packages.txt; 'build' when none is named
# SOVEREIGN_SKIP_PACKAGES=1 leaves the system as it is (another distribution, packages from elsewhere).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
list=packaging/debian-packages.txt
[[ ${SOVEREIGN_SKIP_PACKAGES:-} == 1 ]] && exit 0
command -v dpkg-query > /dev/null && command -v apt-get > /dev/null ||
  die "this is not a Debian system: install what $list names, then set SOVEREIGN_SKIP_PACKAGES=1"

wanted=()
for section in "${@:-build}"; do
  mapfile -t -O "${#wanted[@]}" wanted < <(
    awk -v want="[$section]" '/^#/ || !NF {next} /^\[/ {on = ($1 == want); next} on {print $1}' "$root/$list")
done
((${#wanted[@]})) || die "$list has no section named: ${*:-build}"

installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" 2> /dev/null | awk '$1 ~ /^.i/ {print $2}') || true
missing=()
for package in "${wanted[@]}"; do
  grep -qxF "$package" <<< "$installed" || missing+=("$package")
done
((${#missing[@]})) || exit 0

# Both versions of Boost's headers live at the same place, so Debian lets only one be installed.
old_boost=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 'libboost*1.74-dev' 2> /dev/null | awk '$1 ~ /^.i/ {print $2}') || true
[[ -z $old_boost || " ${missing[*]} " != *boost* ]] ||
  die "Boost 1.74's headers are installed and exclude 1.81's, which we need; remove them: apt-get remove" $old_boost

as_root=()
if ((EUID != 0)); then
  command -v sudo > /dev/null ||
    die "not root and no sudo; ask an administrator for: apt-get install --no-install-recommends ${missing[*]}"
  as_root=(sudo)
fi
say "installing from Debian: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
run() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" < /dev/null > "$log" 2>&1
}
# A source that cannot be reached need not be one that we install from, so only the install decides.
run update || true
if ! run install -y --no-remove --no-install-recommends "${missing[@]}"; then
  tail -n 30 "$log" >&2
  die "apt-get could not install ${missing[*]} (its last words are above); fix that, then try again"
fi
