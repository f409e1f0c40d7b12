#!/usr/bin/env bash
# A recording of one instance of a service, for the tests of editors:
#   RR_DAP=…/rr-dap record-service.sh OUT.rrtrace TARGET…
set -euo pipefail
out=$1
shift
fixtures=$(cd "$(dirname "$0")/../fixtures" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
: >"$folder/said"
"$RR_DAP" serve --addr 127.0.0.1:0 --max-instance-reuse-count 1000 --idle-instance-timeout 30s \
  -o "$folder/recordings" "$fixtures/answers.wasm" 2>"$folder/said" &
server=$!
trap 'kill -9 "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
for _ in {1..600}; do
  address=$(sed -n 's|^Serving HTTP on http://\(.*\)/$|\1|p' "$folder/said")
  [ -n "$address" ] && break
  sleep 0.1
done
for target in "$@"; do
  exec 3<>"/dev/tcp/${address%:*}/${address##*:}"
  printf 'GET %s HTTP/1.1\r\nhost: tests\r\nconnection: close\r\n\r\n' "$target" >&3
  timeout 60 cat <&3 >/dev/null
  exec 3>&-
  # Until the instance is free again: others would be another one's.
  sleep 0.3
done
kill "$server"
wait "$server" || true
"$RR_DAP" trace pack "$folder"/recordings/*.rrtrace -o "$out"
