#!/usr/bin/env bash
# Style checks of our own C++: clang-format, direction of includes, clang-tidy.
#   lint.sh [--fix] [FILE…]    --fix: format in place and stop; FILE…: only these, not every tracked file
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$root"
fix=
[[ ${1:-} != --fix ]] || { fix=1; shift; }
files=("$@")
((${#files[@]})) || mapfile -t files < <(git ls-files '*.cpp' '*.h')
if [[ -n $fix ]]; then
  exec clang-format-14 -i "${files[@]}"
fi
clang-format-14 --dry-run --Werror "${files[@]}" || die "run 'make format'"
python3 scripts/check_includes.py
# Compile commands and generated headers, of gcc's build; clang-tidy reads them with clang.
scripts/build.sh release sovereign
mapfile -t sources < <(printf '%s\n' "${files[@]}" | grep -E '^(src|apps)/.*\.cpp$')
((${#sources[@]} == 0)) ||
  printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy-14 --quiet -p build/release
