# Shared by the scripts here; to be sourced. Sets root and cache.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-${HOME:?neither HOME nor XDG_CACHE_HOME is set}/.cache}/sovereign

say() { printf '%s\n' "$*" >&2; }
die() { say "sovereign: $*"; exit 1; }

# pinned NAME: sets package, version, digest, member, member_digest from packaging/third-party.lock.
pinned() {
  local name
  while read -r name package version digest member member_digest; do
    [[ $name == "$1" ]] && return 0
  done < <(grep -v '^#' "$root/packaging/third-party.lock")
  die "packaging/third-party.lock has no line for '$1'"
}

# fetch_pinned NAME DESTINATION: puts what the lock file pins at DESTINATION (checked, atomic), prints it.
fetch_pinned() {
  local package version digest member member_digest
  pinned "$1"
  python3 "$root/scripts/fetch_package.py" "$package" "$version" "$digest" "$member" "$member_digest" "$2"
}
