#!/bin/sh
# What recording and replaying cost, as ratios to the plain run: see
# docs/performance.md. Median of ROUNDS (7) interleaved rounds of each program.
#
# With GUESTS, a directory that holds zstd-O2.wasm and lz4-O2.wasm, it measures
# these compressors on text; without, the fixtures.
set -eu
cd "$(dirname "$0")/.."
rounds=${ROUNDS:-7}
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

cargo build --release --quiet --example record_cost

measure() { # measure NAME APP ARGS...
  name=$1
  shift
  echo "== $name" >&2
  ./target/release/examples/record_cost "$rounds" "$work" "$@" \
    >/dev/null 2>"$work/facts" </dev/null || { cat "$work/facts" >&2; exit 1; }
  # The guest may print to standard error too.
  grep -E '^(plain|record|replay) |hostcalls' "$work/facts" >&2
}

# Text that compresses about as text does: numbered lines of changing words.
awk 'BEGIN { n = split("time travel debug record replay component module memory handle stream crossing tick position forward back", w, " ");
  srand(1); for (i = 0; i < 40000; i++) printf "%d %s %s %s\n", i, w[int(rand()*n)+1], w[int(rand()*n)+1], w[int(rand()*n)+1] }' \
  >"$work/in.txt"

if [ -n "${GUESTS:-}" ]; then
  measure "zstd -19, compute" "$GUESTS/zstd-O2.wasm" -q -f -19 /work/in.txt -o /work/out.zst
  measure "zstd -1, input and output" "$GUESTS/zstd-O2.wasm" -q -f -1 /work/in.txt -o /work/out.zst
  measure "lz4 -9" "$GUESTS/lz4-O2.wasm" -q -f -9 /work/in.txt /work/out.lz4
else
  measure "cat, input and output" fixtures/kitchen-O2.wasm cat /work/in.txt
  measure "args, start and end only" fixtures/kitchen-O2.wasm args x
fi
