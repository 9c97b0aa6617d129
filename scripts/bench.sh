#!/usr/bin/env bash
# Builds and runs one benchmark against its peers; the table goes to the terminal, the figures to
# build/bench/SUITE.json.
#   bench.sh SUITE [OPTION…]      options are sovereign-bench's
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
suite=${1:?which suite?}
shift
"$root/scripts/build.sh" release sovereign sovereign_bench
cd "$root/build/release"
model() { printf '%s' "${SOVEREIGN_TEST_MODEL:-$("$root/scripts/fetch_model.sh")}"; }

case $suite in
  serve)
    # The peers come from the same sources with the same flags as the library in our program.
    mapfile -t llama_options < <(grep . llama-options)
    peers=$("$root/scripts/build_llama.sh" "${llama_options[@]}" --peers | tail -n 1)/bin
    options=(--sovereign "$PWD/sovereign" --model "$(model)"
      --llama-server "$peers/llama-server" --batched-bench "$peers/llama-batched-bench")
    ;;
  kernels)  # ours and stock are in one process, the other builds are programs of their own
    options=(--model "$(model)" --text "$root/bench/perplexity_text.txt")
    mapfile -t llama_options < <(grep . llama-options)
    for peer in tinyblas openblas; do
      if build=$("$root/scripts/build_llama.sh" "${llama_options[@]}" --$peer | tail -n 1); then
        options+=(--peer "$peer=$build/bin/llama-batched-bench")
      fi
    done
    ;;
  speculative) options=(--model "$(model)") ;;
  cache) options=(--sovereign "$PWD/sovereign" --model "$(model)") ;;
  canary) options=() ;;  # simulated: neither model nor server
  quality) options=(--model "$(model)") ;;
  proof)
    "$root/scripts/python_env.sh"
    options=(--python "$root/build/venv/bin/python" --python-script "$root/scripts/time_rfc8785.py")
    ;;
  gateway)
    options=(--sovereign "$PWD/sovereign" --model "$(model)")
    if nginx=$(command -v nginx); then options+=(--nginx "$nginx"); fi
    # A peer that cannot be had (no network, no wheels for this machine) leaves its ratio out.
    if "$root/scripts/python_env.sh" bench/litellm litellm; then
      options+=(--litellm "$root/build/litellm/bin/litellm")
    fi
    ;;
  *) die "there is no benchmark '$suite'" ;;
esac
exec ./sovereign-bench "$suite" "${options[@]}" --out "$root/build/bench" "$@"
