#!/usr/bin/env bash
# Proves the Dockerfile on a machine without Docker: builds it with buildah on a Debian base made here, pulls a checkpoint
# pair from a Hub on loopback, and runs the result without a network, on a read-only file system, as its own user.
# docs/deployment.md tells what that proves and what it does not.
#
# Run it as root on Debian, after npm ci: apt-get install buildah mmdebstrap iproute2, then npm run test:container
# It needs Debian's and npm's registries, some 3 GB of disk and about 5 minutes. It leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in buildah mmdebstrap ip unshare setpriv; do
  command -v "$tool" >/dev/null || { echo "missing: $tool; apt-get install buildah mmdebstrap iproute2 util-linux" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "must run as root" >&2; exit 1; }

work=$(mktemp -d)
builder() { buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs "$@"; }
cleanup() {
  [ -z "${hub_pid:-}" ] || kill "$hub_pid" 2>/dev/null || true
  [ -z "${service_pid:-}" ] || kill -9 "$service_pid" 2>/dev/null || true
  builder umount --all >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
say() { printf '\n== %s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }
megabytes() { echo "$(($(du --summarize --block-size=1 "$1" | cut -f1) / 1000000)) MB"; }

say "base image: Debian $(. /etc/os-release && echo "$VERSION_CODENAME"), Node.js $(node --version) and npm of this machine"
base=$work/base
mmdebstrap --quiet --variant=minbase --include=ca-certificates "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$base"
npm_folder=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
install -D "$(node -p process.execPath)" "$base/usr/local/bin/node"
mkdir -p "$base/usr/local/lib/node_modules"
cp -r "$npm_folder" "$base/usr/local/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$base/usr/local/bin/npm"
# Where this machine trusts certificates of its own, npm must trust them inside too.
[ -z "${NODE_EXTRA_CA_CERTS:-}" ] || cp "$NODE_EXTRA_CA_CERTS" "$base/etc/ssl/certs/ca-certificates.crt"
container=$(builder from scratch)
builder add -q "$container" "$base" / >/dev/null
builder config --env PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "$container"
builder commit -q --rm "$container" localhost/node-base >/dev/null
echo "base: $(megabytes "$base")"
rm -rf "$base"

say "Hub on loopback"
npx tsx scripts/container-hub.ts >"$work/hub" &
hub_pid=$!
until [ -s "$work/hub" ]; do sleep 0.2; kill -0 "$hub_pid"; done
endpoint=$(cat "$work/hub")
echo "$endpoint"

say "build"
printf '%s' "the-check's-token" >"$work/token"
# Without layers, since the vfs driver copies everything that is below a layer.
builder bud --isolation chroot --format docker --layers=false --tag localhost/image-text-encoder \
  --build-arg NODE_IMAGE=localhost/node-base --build-arg HF_ENDPOINT="$endpoint" --secret id=hf_token,src="$work/token" \
  --build-arg MODEL=check --build-arg IMAGE_REPOSITORY=check/clip --build-arg TEXT_REPOSITORY=check/text . \
  >"$work/log" 2>&1 || { tail -50 "$work/log"; fail "the build"; }
kill "$hub_pid"
grep -E '^(installed:|ok) ' "$work/log" || true

container=$(builder from localhost/image-text-encoder)
root=$(builder mount "$container")
say "sizes"
for part in usr/local/bin/node app/node_modules app/dist models; do
  echo "/$part: $(megabytes "$root/$part")"
done
runtime_bytes=$(du --summarize --block-size=1 --exclude="$root/models/*" "$root" | cut -f1)
echo "everything but the model: $((runtime_bytes / 1000000)) MB"
[ "$runtime_bytes" -le 250000000 ] || fail "the runtime is larger than 250 MB"

say "image configuration"
config() { builder inspect --type image --format "$1" localhost/image-text-encoder; }
user=$(config '{{.Docker.Config.User}}')
echo "user $user, ports $(config '{{.Docker.Config.ExposedPorts}}'), entrypoint $(config '{{.Docker.Config.Entrypoint}}') $(config '{{.Docker.Config.Cmd}}')"
[ "$user" = 10001:10001 ] || fail "the user is $user"
[[ "$(config '{{.Docker.Config.Healthcheck}}')" == *'/health'* ]] || fail "there is no health check"
if grep -rq "the-check's-token" "$root"; then fail "the build secret is in the image"; fi

say "run: no network but loopback, read-only root, user $user, no privileges, process 1"
mkdir -p "$root/proc" "$root/dev" # as any container engine does
config '{{range .Docker.Config.Env}}{{println .}}{{end}}' | grep . >"$work/environment"
cat >"$work/enter" <<'ENTER'
ip link set lo up
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
exec setpriv --no-new-privs env -i $(cat "$work/environment") "$(command -v chroot)" --userspec="$user" "$root" \
  /usr/local/bin/node --single-threaded-gc /app/bin/image-text-encoder serve
ENTER
export root work user
unshare --net --pid --mount --fork --kill-child bash -eu "$work/enter" >"$work/service.log" 2>&1 &
service_pid=$!
until process_1=$(pgrep -P "$service_pid") && [ "$(readlink "/proc/$process_1/root")" != / ]; do
  kill -0 "$service_pid" 2>/dev/null || { cat "$work/service.log"; fail "the container did not start"; }
  sleep 0.1
done
inside() { env -u NODE_EXTRA_CA_CERTS nsenter --target "$process_1" --net --pid --mount "$@"; }
status() { grep -E "^$1:" "/proc/$process_1/status" | tr -s '\t ' ' '; }
echo "$(status Uid), $(status CapEff), $(status NoNewPrivs)"
inside chroot --userspec="$user" "$root" /usr/local/bin/node -e '
  require("node:fs").writeFile("/app/x", "", (error) => { console.log("writing to /app:", error?.code); process.exit(error ? 0 : 1); })' ||
  fail "the root file system can be written"
inside node -e '
  require("node:net").connect(443, "1.1.1.1").on("error", (error) => console.log("connecting outside:", error.code)).on("connect", () => process.exit(1))' ||
  fail "there is a network"
inside node "$PWD/scripts/container-probe.mjs" || { cat "$work/service.log"; fail "an endpoint"; }
health=$(builder inspect --type image localhost/image-text-encoder |
  node -p 'JSON.parse(require("node:fs").readFileSync(0, "utf8")).Docker.config.Healthcheck.Test.at(-1)')
inside chroot --userspec="$user" "$root" /usr/local/bin/node -e "$health" || fail "the health check"
echo "health check: exit 0"
kill -TERM "$process_1"
code=0
wait "$service_pid" || code=$?
service_pid=
echo "SIGTERM: exit $code"
[ "$code" = 0 ] || { cat "$work/service.log"; fail "SIGTERM"; }

say "all passed on $(date --iso-8601), $(uname -m), $(buildah --version)"
