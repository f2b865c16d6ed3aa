#!/bin/bash
# Installs what the tests need, then runs all of them, or those named: see tools/test.ts.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. tools/launch.sh
ensure_modules
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; }
need busybox busybox-static
need crun crun
need runc runc
need nft nftables
need iptables-nft iptables
need ip iproute2
need unshare util-linux
need docker docker.io
need dockerd docker.io
need skopeo skopeo
need curl curl
need podman podman
need buildah buildah
need docker-registry docker-registry
need git git
need ssh-add openssh-client
need openssl openssl
need linux.uml user-mode-linux
need modprobe kmod
need mkfs.ext4 e2fsprogs
need faketime faketime
need python3 python3
need bzip2 bzip2
need xz xz-utils
need mmdebstrap mmdebstrap
need systemd-analyze systemd
need rsyslogd rsyslog
[ -e /usr/lib/*/rsyslog/lmnsd_ossl.so ] || missing="$missing rsyslog-openssl"
[ -z "$missing" ] || install_packages $missing
ensure_host
ensure_bundles
exec "$bun" tools/test.ts "$@"
