#!/bin/bash
# Installs the engines to compare with, and measures: see bench/main.ts.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
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
[ -x /usr/lib/podman/netavark ] || missing="$missing netavark aardvark-dns"
[ -z "$missing" ] || install_packages $missing
ensure_host
ensure_bundles
exec "$bun" "$root/bench/main.ts" "$@"
