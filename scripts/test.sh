#!/usr/bin/env bash
# Builds a preset with its tests and runs them all.
#   test.sh PRESET [CTEST-OPTION…]
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
preset=${1:?which preset?}
shift

# GCC 12's thread sanitizer cannot start where the kernel shuffles addresses by more than 28 bits.
if [[ $preset == tsan && $(cat /proc/sys/vm/mmap_rnd_bits 2> /dev/null || echo 0) -gt 28 && -z ${ADDRESSES_FIXED:-} ]]; then
  ADDRESSES_FIXED=1 exec setarch --addr-no-randomize "$0" "$preset" "$@"
fi

"$root/scripts/python_env.sh"
"$root/scripts/build.sh" "$preset"
if [[ -z ${SOVEREIGN_TEST_MODEL:-} ]]; then
  SOVEREIGN_TEST_MODEL=$("$root/scripts/fetch_model.sh")
fi
export SOVEREIGN_TEST_MODEL
# What the tests talk to is on this machine, whatever proxy leads out of it.
export NO_PROXY=127.0.0.1,localhost,::1${NO_PROXY:+,$NO_PROXY}
export no_proxy=$NO_PROXY
cd "$root"
exec ctest --preset "$preset" --parallel "$(nproc)" "$@"
