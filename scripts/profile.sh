#!/usr/bin/env bash
# Where the engine's time goes: perf over a serving program under four loads, the fifteen functions that take most.
#   profile.sh [PROGRAM]     build/sovereign
# Needs Debian's linux-perf and a kernel that lets it look (kernel.perf_event_paranoid).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
program=${1:-$root/build/sovereign}
command -v perf > /dev/null || die "perf is missing: apt-get install linux-perf"
work=$(mktemp -d)
port=${PORT:-8080}
SOVEREIGN_SERVER_PORT=$port SOVEREIGN_CACHE_ENABLED=false "$program" serve 2> "$work/log" &
server=$!
trap 'kill $server 2> /dev/null; rm -rf "$work"' EXIT
until curl --noproxy "*" -sf -o "$work/ready" "http://127.0.0.1:$port/readyz"; do
  kill -0 $server 2> /dev/null || { tail -n 5 "$work/log" >&2; die "the server did not start"; }
  sleep 0.2
done

load() { # prefill | single | batch | sampled, SECONDS
  python3 - "$1" "$2" "$port" <<'PYTHON'
import json, random, sys, threading, time, urllib.request

mode, seconds, port = sys.argv[1], float(sys.argv[2]), sys.argv[3]
end = time.time() + seconds
words = "river stone light quiet engine paper window garden silver morning number letter answer model token".split()


def client(seed):
    draw = random.Random(seed)
    while time.time() < end:
        prompt = " ".join(draw.choice(words) for _ in range(400 if mode == "prefill" else 16))
        body = {"prompt": prompt, "max_tokens": 1 if mode == "prefill" else 96, "ignore_eos": True,
                "temperature": 0.8 if mode == "sampled" else 0}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/completions", json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        urllib.request.urlopen(request).read()


clients = [threading.Thread(target=client, args=(i,)) for i in range(1 if mode in ("prefill", "single") else 8)]
for each in clients:
    each.start()
for each in clients:
    each.join()
PYTHON
}

for mode in prefill single batch sampled; do
  load $mode 7 &
  running=$!
  perf record -q -e cpu-clock -F 999 -p $server -o "$work/perf" sleep 5 2> /dev/null
  wait $running
  say "== $mode"
  perf report -i "$work/perf" --stdio --no-children -g none 2> /dev/null | grep -v '^#' | grep -v '^$' | head -n 15 | cut -c 1-130
done
