#!/usr/bin/env bash
# Starts the server on 127.0.0.1, asks it one question through its own HTTP API, and goes on serving until
# Ctrl-C or SIGTERM, which it drains.
#   run.sh [--once]     --once: stop after the answer
# PORT       8080
# QUESTION   what to ask
# READY_S    seconds the model may take to load: 120
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
port=${PORT:-8080}
question=${QUESTION:-In one sentence: why is the sky blue?}
url=http://127.0.0.1:$port
program=$root/build/sovereign
log=$root/build/run/serve.log
server= stopping= status=

stop() {
  stopping=1
  [[ -z $server ]] || kill -TERM "$server" 2> /dev/null || true
}
# Sets status to the server's exit status; a signal that interrupts the waiting only starts it again.
await_server() {
  while [[ -z $status ]]; do
    local waited=0
    wait "$server" || waited=$?
    kill -0 "$server" 2> /dev/null || status=$waited
  done
}
fail() {
  trap - EXIT
  if [[ -n $server ]]; then
    stop
    await_server
    say "the server's last words ($log):"
    tail -n 20 "$log" >&2
  fi
  die "$*"
}

if (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
  die "port $port is in use; choose another: make run PORT=8081"
fi
model=$("$root/scripts/fetch_model.sh")
mkdir -p "${log%/*}"

trap stop INT TERM HUP EXIT
# In a session of its own, so that Ctrl-C reaches it once, from here; and never left behind.
setsid setpriv --pdeathsig TERM "$program" serve --host 127.0.0.1 --port "$port" --model "$model" > "$log" 2>&1 &
server=$!

deadline=$((SECONDS + ${READY_S:-120}))
until curl --noproxy '*' --silent --fail --max-time 2 --output /dev/null "$url/readyz"; do
  [[ -z $stopping ]] || break
  kill -0 "$server" 2> /dev/null || fail "the server ended before it was ready"
  ((SECONDS < deadline)) || fail "the server was not ready after ${READY_S:-120} s"
  sleep 0.1
done

if [[ -z $stopping ]]; then
  say "Q: $question"
  "$program" ask --stats --url "$url" "$question" < /dev/null ||
    [[ -n $stopping ]] || fail "the server did not answer"
fi
if [[ -z $stopping && ${1:-} != --once ]]; then
  say "serving at $url/v1 (log: build/run/serve.log); Ctrl-C stops"
  await_server
fi
[[ -n $stopping || ${1:-} == --once ]] || fail "the server ended with status $status"
trap - EXIT
stop
await_server
((status == 0)) || fail "the server ended with status $status"
say "stopped"
