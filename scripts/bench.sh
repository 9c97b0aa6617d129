#!/usr/bin/env bash
# Builds and runs one benchmark against its peers; the table goes to the terminal, the figures to
# build/bench/SUITE.json.
#   bench.sh SUITE [OPTION…]      options are sovereign-bench's
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
suite=${1:?which suite?}
shift
if [[ $suite == proof ]]; then
  "$root/scripts/build.sh" release sovereign_bench
  "$root/scripts/python_env.sh"
  exec "$root/build/release/sovereign-bench" proof --python "$root/build/venv/bin/python" \
    --python-script "$root/scripts/time_rfc8785.py" --out "$root/build/bench" "$@"
fi
"$root/scripts/build.sh" release sovereign sovereign_bench
# The peers come from the same sources with the same flags as the library in our program.
mapfile -t llama_options < <(grep . "$root/build/release/llama-options")
peers=$("$root/scripts/build_llama.sh" "${llama_options[@]}" --peers | tail -n 1)/bin
model=${SOVEREIGN_TEST_MODEL:-$("$root/scripts/fetch_model.sh")}
cd "$root/build/release"
exec apps/sovereign-bench/sovereign-bench "$suite" --sovereign "$PWD/sovereign" --model "$model" \
  --llama-server "$peers/llama-server" --batched-bench "$peers/llama-batched-bench" --out "$root/build/bench" "$@"
