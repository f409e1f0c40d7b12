#!/bin/sh
# What recording costs a service, as ratios to `rr-dap serve --no-record`: answers in a second
# and the 99th percentile of what they took (medians of ROUNDS, 5, interleaved rounds), the
# server's memory before and after many requests, and the bytes of recordings for each.
#
#   RR_DAP=target/release/rr-dap WASMTIME=wasmtime benches/serve.sh [GUEST...]
#
# Without WASMTIME, plain `wasmtime serve` is left out; without GUESTs, those are the services
# among the fixtures, which are asked for /hello. EACH (5000) requests are in a round,
# REQUESTS (100000) between the two looks at memory, over CONNECTIONS (8). Where all is
# recorded, there are fewer, so that recordings take DISK (2000) MB at most.
set -eu
cd "$(dirname "$0")/.."
rr_dap=${RR_DAP:-target/release/rr-dap}
rounds=${ROUNDS:-5} each=${EACH:-5000} requests=${REQUESTS:-100000}
connections=${CONNECTIONS:-8} disk=${DISK:-2000} warm=200
[ $# -gt 0 ] || set -- fixtures/answer.wasm fixtures/answers.wasm
"$rr_dap" serve --help >/dev/null || { echo "$rr_dap has no command serve: RR_DAP names one that has" >&2; exit 1; }

work=$(mktemp -d)
server=
stop() {
  [ -z "$server" ] || { kill "$server" && wait "$server" || :; } 2>/dev/null
  server=
}
trap 'stop; rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
export XDG_CACHE_HOME="$work/cache" RR_DAP_CACHE="$work/cache/rr-dap"
mkdir -p "$XDG_CACHE_HOME"
rustc -O --edition 2024 examples/load.rs -o "$work/load"

ways=
[ -z "${WASMTIME:-}" ] || ways=wasmtime
ways="$ways no-record keep-all"
if "$rr_dap" serve --help | grep -q -- --keep; then ways="$ways keep-trap"; fi

# Starts a server of a guest, and sets `url`.
start() { # start WAY GUEST
  rm -rf "$work/recordings"
  case $1 in
    wasmtime) set -- "$WASMTIME" serve -S cli --addr 127.0.0.1:0 "$2" ;;
    no-record) set -- "$rr_dap" serve --addr 127.0.0.1:0 --no-record "$2" ;;
    keep-all) set -- "$rr_dap" serve --addr 127.0.0.1:0 -o "$work/recordings" "$2" ;;
    keep-trap) set -- "$rr_dap" serve --addr 127.0.0.1:0 -o "$work/recordings" --keep=trap "$2" ;;
  esac
  : >"$work/said"
  "$@" >>"$work/said" 2>&1 </dev/null &
  server=$!
  url=
  for _ in $(seq 600); do
    url=$(sed -n 's|.*\(http://127\.0\.0\.1:[0-9]*\)/.*|\1|p' "$work/said" | head -n 1)
    [ -z "$url" ] || break
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  [ -n "$url" ] || { echo "$* does not serve:" >&2; cat "$work/said" >&2; exit 1; }
}

load() { # load REQUESTS
  "$work/load" "$url/hello" -n "$1" -c "$connections" >"$work/answers" ||
    { cat "$work/answers" "$work/said" >&2; exit 1; }
  if grep '^status' "$work/answers" | grep -qv '^status 200 '; then
    cat "$work/answers" >&2
    exit 1
  fi
}

memory() { # in kB, of the server and what it started
  ps -o rss= -p "$server" --ppid "$server" | awk '{ sum += $1 } END { print sum }'
}

recorded() { # in bytes: all recordings; the component is stored once, and does not count
  [ ! -d "$work/recordings" ] || find "$work/recordings" -name '*.rrtrace' -printf '%s\n'
}

# As many requests, or as many as there may be recordings of.
bounded() { # bounded REQUESTS BYTES
  awk -v requests="$1" -v bytes="$2" -v disk="$disk" \
    'BEGIN { most = bytes > 0 ? disk * 1e6 / bytes : requests; print int(most < requests ? most : requests) }'
}

# Appends rate, 99th percentile in ms, and bytes for each request to a file.
round() { # round WAY GUEST REQUESTS
  start "$1" "$2"
  load "$warm"
  load "$3"
  stop
  kept=$(recorded | awk '{ sum += $1 } END { print sum + 0 }')
  awk -v kept="$kept" -v asked="$((warm + $3))" \
    '$1 == "rate" { rate = $2 } $1 == "p99" { p99 = $2 }
    END { print rate, p99, kept / asked }' "$work/answers" >>"$work/$1"
}

median() { # median WAY COLUMN
  sort -g -k "$2,$2" "$work/$1" | awk -v column="$2" '{ at[NR] = $column } END { print at[int((NR + 1) / 2)] }'
}

for guest; do
  echo "== $guest"
  # The first round is not counted: it compiles, and tells how much a recording takes.
  for way in $ways; do
    rm -f "$work/$way"
    round "$way" "$guest" "$warm"
    mv "$work/$way" "$work/$way-first"
  done
  for _ in $(seq "$rounds"); do
    for way in $ways; do
      bytes=$(awk '{ print $3 }' "$work/$way-first")
      round "$way" "$guest" "$(bounded "$each" "$bytes")"
    done
  done
  for way in $ways; do
    bytes=$(median "$way" 3)
    start "$way" "$guest"
    load "$warm"
    before=$(memory)
    many=$(bounded "$requests" "$bytes")
    load "$many"
    after=$(memory)
    stop
    echo "$way $(median "$way" 1) $(median "$way" 2) $bytes $(median no-record 1) $(median no-record 2) $before $after $many" |
      awk '{ printf "%-10s %8.0f answers/s, x %.3f; 99%% in %7.2f ms, x %.3f; %7.0f bytes recorded for each; memory %.1f MB, %.1f MB after %d\n",
        $1, $2, $2 / $5, $3, $3 / $6, $4, $7 / 1024, $8 / 1024, $9 }'
  done
  rm -rf "$work/recordings"
done
