#!/bin/sh
# What recording costs as a whole process, start-up and all, as ratios to `wasmtime run`: see
# docs/performance.md. Medians of ROUNDS (7) interleaved rounds, of wall time and CPU time.
#
#   GUESTS=DIRECTORY WASMTIME=wasmtime RR_DAP=target/release/rr-dap benches/record_process.sh
#
# With GUESTS, a directory that holds zstd-O2.wasm, it measures that compressor on BYTES
# (1800000) of text; without, a fixture that reads and prints it. Each program has been
# compiled before, but for the last two lines of a table, where nobody keeps what they compile.
set -eu
cd "$(dirname "$0")/.."
rounds=${ROUNDS:-7}
wasmtime=${WASMTIME:-wasmtime}
rr_dap=${RR_DAP:-target/release/rr-dap}
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
export XDG_CACHE_HOME="$work/cache" RR_DAP_CACHE="$work/cache/rr-dap"
mkdir -p "$XDG_CACHE_HOME"

awk 'BEGIN { n = split("time travel debug record replay component module memory handle stream crossing tick position forward back", w, " ");
srand(1); for (i = 0; i < 200000; i++) printf "%d %s %s %s\n", i, w[int(rand()*n)+1], w[int(rand()*n)+1], w[int(rand()*n)+1] }' |
  head -c "${BYTES:-1800000}" >"$work/in.txt"
if [ -n "${GUESTS:-}" ]; then
  set -- "$GUESTS/zstd-O2.wasm" -q -f -19 /work/in.txt -o /work/out.zst
else
  set -- fixtures/kitchen-O2.wasm cat /work/in.txt
fi

# Appends the milliseconds of a run to a file: on the wall, and of CPU.
timed() { # timed NAME COMMAND...
  name=$1
  shift
  begun=$(date +%s%N)
  cpu=$( { command time -f '%U %S' "$@" >/dev/null 2>"$work/stderr" </dev/null; } 2>&1 ||:; tail -n 1 "$work/stderr")
  ended=$(date +%s%N)
  echo "$(((ended - begun) / 1000)) $cpu" | awk '{ print $1 / 1000, ($2 + $3) * 1000 }' >>"$work/$name"
}

round() {
  timed plain "$wasmtime" run --dir "$work::/work" "$@"
  timed record "$rr_dap" record --force -o "$work/run.rrtrace" --dir "$work::/work" "$@"
  timed plain-uncached "$wasmtime" run -C cache=n --dir "$work::/work" "$@"
  rm -rf "$work/empty"
  RR_DAP_CACHE="$work/empty" timed record-uncached \
    "$rr_dap" record --force -o "$work/run.rrtrace" --dir "$work::/work" "$@"
}

round "$@"
rm "$work"/plain* "$work"/record*
for _ in $(seq "$rounds"); do round "$@"; done

median() { # median NAME COLUMN
  sort -n -k "$2,$2" "$work/$1" | awk -v column="$2" '{ at[NR] = $column } END { print at[int((NR + 1) / 2)] }'
}
for pair in "plain record" "plain-uncached record-uncached"; do
  for name in $pair; do
    echo "$name $(median "$name" 1) $(median "$name" 2) $(median "${pair%% *}" 1) $(median "${pair%% *}" 2)" |
      awk '{ printf "%-16s %7.0f ms, %5.3f; CPU %7.0f ms, %5.3f\n", $1, $2, $2 / $4, $3, $3 / $5 }'
  done
done
