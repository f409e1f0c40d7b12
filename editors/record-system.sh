#!/usr/bin/env bash
# A client, and a service that answered it, each recorded by a process of its own, for the tests of
# editors: poster.rrtrace, served/ and shop.rrsystem in a directory.
#   RR_DAP=…/rr-dap record-system.sh DIRECTORY
set -euo pipefail
into=$1
mkdir -p "$into"
fixtures=$(cd "$(dirname "$0")/../fixtures" && pwd)
: >"$into/said"
"$RR_DAP" serve --addr 127.0.0.1:0 -S cli -o "$into/served" "$fixtures/answer.wasm" 2>"$into/said" &
server=$!
trap 'kill -9 "$server" 2>/dev/null || true; rm -f "$into/said"' EXIT
for _ in {1..600}; do
  address=$(sed -n 's|^Serving HTTP on http://\(.*\)/$|\1|p' "$into/said")
  [ -n "$address" ] && break
  sleep 0.1
done
"$RR_DAP" record --quiet -S http -o "$into/poster.rrtrace" "$fixtures/fetch.wasm" "$address" /echo "hello there" >/dev/null
kill "$server"
wait "$server" || true
echo '{ "traces": ["poster.rrtrace", "served"] }' >"$into/shop.rrsystem"
