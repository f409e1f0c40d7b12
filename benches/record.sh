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
text() { # text LINES FILE
  awk -v lines="$1" 'BEGIN { n = split("time travel debug record replay component module memory handle stream crossing tick position forward back", w, " ");
  srand(1); for (i = 0; i < lines; i++) printf "%d %s %s %s\n", i, w[int(rand()*n)+1], w[int(rand()*n)+1], w[int(rand()*n)+1] }' >"$2"
}

for guest in scalar area block; do
  measure "a million calls: $guest" benches/guests/$guest.wat
done
if [ -n "${GUESTS:-}" ]; then
  text 40000 "$work/in.txt"
  text 1700000 "$work/in50.txt"
  measure "zstd -19 of 1 MB, compute" "$GUESTS/zstd-O2.wasm" -q -f -19 /work/in.txt -o /work/out.zst
  measure "lz4 -9 of 1 MB" "$GUESTS/lz4-O2.wasm" -q -f -9 /work/in.txt /work/out.lz4
  measure "zstd -3 of 50 MB, input and output" "$GUESTS/zstd-O2.wasm" -q -f -3 /work/in50.txt -o /work/out.zst
  measure "zstd -9 of 50 MB" "$GUESTS/zstd-O2.wasm" -q -f -9 /work/in50.txt -o /work/out.zst
else
  text 40000 "$work/in.txt"
  measure "cat, input and output" fixtures/kitchen-O2.wasm cat /work/in.txt
  measure "args, start and end only" fixtures/kitchen-O2.wasm args x
fi
