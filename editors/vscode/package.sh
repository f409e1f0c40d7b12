#!/bin/sh
# Makes rr-dap-TARGET.vsix, the extension with the program in it: package.sh BINARY TARGET
#
# BINARY is rr-dap for the machines of TARGET: linux-x64 or linux-arm64. Needs node and npm;
# what the extension is built with comes from the npm registry.
set -eu
if [ $# -ne 2 ]; then
  sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
  exit 2
fi
binary=$(realpath "$1")
target=$2
cd "$(dirname "$0")"
[ -d node_modules ] || npm ci --ignore-scripts --no-audit --no-fund
npm run --silent build
node scripts/package.mjs "rr-dap-$target.vsix" "$binary" "$target"
