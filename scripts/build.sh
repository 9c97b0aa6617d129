#!/usr/bin/env bash
# Configures (when needed) and builds a preset.
#   build.sh PRESET [TARGET…]      all targets when none is named
# CMAKE_FLAGS   further options for CMake, such as -DSOVEREIGN_CUDA=ON; remembered by the build folder
# The release preset also leaves the program at build/sovereign.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
preset=${1:?which preset?}
shift
folder=$root/build/$preset
cd "$root"

if [[ ! -f $folder/build.ninja || CMakePresets.json -nt $folder/build.ninja || -n ${CMAKE_FLAGS:-} ]]; then
  # shellcheck disable=SC2086  # CMAKE_FLAGS is a list of words
  cmake --preset "$preset" ${CMAKE_FLAGS:-}
fi
if (($#)); then
  cmake --build --preset "$preset" --target "$@"
else
  cmake --build --preset "$preset"
fi
[[ $preset != release ]] || ln -sfn release/sovereign build/sovereign
