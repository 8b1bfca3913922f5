#!/usr/bin/env bash
# Runs the tests of queued runs against a real Redis, PostgreSQL and S3 server, which the tests start and stop themselves.
# What is missing of them is installed: Debian's redis-server and postgresql, which needs root, and PyPI's moto.
set -euo pipefail
cd "$(dirname "$0")/.."

postgres=(/usr/lib/postgresql/*/bin/initdb)
if ! command -v redis-server >/dev/null || [ ! -x "${postgres[0]}" ]; then
  # Debian starts both as services when they are installed; the tests need them on free ports and of their own.
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends redis-server postgresql
fi
python=node_modules/.cache/queue-python
if [ ! -x "$python/bin/moto_server" ]; then
  python3 -m venv "$python"
  "$python/bin/pip" install --quiet --requirement test/workers/requirements.txt
fi
npx vitest run --config test/workers/vitest.config.ts "$@"
