#!/usr/bin/env bash
# Builds the fuzzers of tests/fuzz and runs each for some seconds from its corpus, then the long variants of tests
# that are too slow for `make test`.
#   fuzz.sh [SECONDS]     60
# New inputs go to build/fuzz/corpus/NAME; an input that fails is kept as build/fuzz/NAME-crash-*.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
seconds=${1:-60}
CMAKE_FLAGS= "$root/scripts/build.sh" fuzz fuzzers
cd "$root/build/fuzz"
found=0
for fuzzer in fuzzers/*_fuzzer; do
  [[ -x $fuzzer ]] || continue
  found=1
  name=${fuzzer##*/}
  corpus=("corpus/$name")
  [[ ! -d $root/tests/fuzz/corpus/$name ]] || corpus+=("$root/tests/fuzz/corpus/$name")
  mkdir -p "corpus/$name"
  say "fuzzing $name for $seconds s"
  "$fuzzer" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
    -artifact_prefix="$PWD/$name-" "${corpus[@]}" 2> "$name.log" || { tail -n 40 "$name.log" >&2; die "$name failed"; }
  grep -E 'number_of_executed_units|new_units_added' "$name.log" >&2
done
((found)) || die "tests/fuzz has no fuzzers"

say "the long variants of tests"
CMAKE_FLAGS= "$root/scripts/build.sh" release crypto_test
SOVEREIGN_LONG_TESTS=1 "$root/build/release/tests/crypto/crypto_test" --gtest_brief=1 \
  --gtest_filter='Es6Number.*:Ed25519EdgeCases.*'
