#!/bin/bash
# Installs the engines to compare with, and measures: see bench/main.ts.
# --own-disk: on a new ext4 with a journal, as machines have it, in place of whatever /tmp is on.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
case " $* " in
*" --own-disk "*)
  if [ -z "${BENCH_DISK:-}" ]; then
    BENCH_DISK=$(mktemp /var/tmp/wharf-bench-XXXXXX)
    export BENCH_DISK
    truncate -s 24G "$BENCH_DISK"
    mkfs.ext4 -q -F -E lazy_itable_init=0,nodiscard "$BENCH_DISK"
    # The mount goes with its namespace, and the file with the mount.
    exec unshare --mount --propagation private sh -c \
      'mount -o loop,noatime "$BENCH_DISK" /tmp && rm "$BENCH_DISK" && chmod 1777 /tmp && exec "$@"' sh "$0" "$@"
  fi
  ;;
esac
. "$root/tools/launch.sh"
ensure_modules
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need dockerd docker.io
need podman podman
need docker-registry docker-registry
need runc runc
need crun crun
need conmon conmon
need iptables iptables
need nft nftables
need ip iproute2
need busybox busybox-static
need iperf3 iperf3
need mkfs.ext4 e2fsprogs
[ -x /usr/lib/podman/netavark ] || missing="$missing netavark aardvark-dns"
[ -z "$missing" ] || install_packages $missing
ensure_host
ensure_bundles
exec "$bun" "$root/bench/main.ts" "$@"
