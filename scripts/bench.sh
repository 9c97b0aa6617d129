#!/usr/bin/env bash
# Builds and runs one benchmark against its peers; the table goes to the terminal, the figures to
# build/bench/SUITE.json.
#   bench.sh SUITE [OPTION…]      options are sovereign-bench's
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
suite=${1:?which suite?}
shift
"$root/scripts/build.sh" release sovereign sovereign_bench
cd "$root/build/release"
model=${SOVEREIGN_TEST_MODEL:-$("$root/scripts/fetch_model.sh")}
ours=(apps/sovereign-bench/sovereign-bench "$suite" --sovereign "$PWD/sovereign" --model "$model" --out "$root/build/bench")
[[ $suite == serve ]] || exec "${ours[@]}" "$@"
# The peers come from the same sources with the same flags as the library in our program.
mapfile -t llama_options < <(grep . "$root/build/release/llama-options")
peers=$("$root/scripts/build_llama.sh" "${llama_options[@]}" --peers | tail -n 1)/bin
exec "${ours[@]}" --llama-server "$peers/llama-server" --batched-bench "$peers/llama-batched-bench" "$@"
