#!/bin/bash
# Installs what the tests need, then runs all of them, or those named: see tools/test.ts.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. tools/launch.sh
# What not every distribution has; without it its cases are skipped.
install_where_packaged() {
  command -v "$1" >/dev/null 2>&1 && return
  apt-cache policy "$2" 2>/dev/null | grep -q 'Candidate: [^(]' || return 0
  install_packages "$2"
}
# Compose v2 and buildx, where the distribution has them; without them their cases are skipped.
install_plugins() {
  wanted=
  for plugin in compose buildx; do
    ls {/usr/local/lib,/usr/lib,/usr/libexec}/docker/cli-plugins/docker-"$plugin" 2>/dev/null | grep -q . && continue
    wanted="$wanted docker-$plugin"
  done
  [ -n "$wanted" ] && command -v apt-cache >/dev/null 2>&1 || return 0
  # Ubuntu's name for Compose first. Debian's docker-compose was version 1, a program of its own, until bookworm.
  found=$(apt-cache policy docker-compose-v2 docker-compose docker-buildx 2>/dev/null |
    awk '/^[^ ]/ { name = $1; sub(":", "", name) } $1 == "Candidate:" && $2 !~ /^\(none\)|^([0-9]+:)?1\./ && name ~ /compose/ || $1 == "Candidate:" && $2 != "(none)" && name ~ /buildx/ { print name }')
  for plugin in $wanted; do
    package=$(printf '%s\n' "$found" | grep -m1 "^$plugin") || continue
    install_packages "$package" || true
  done
}
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
need modprobe kmod
need mkfs.ext4 e2fsprogs
need faketime faketime
need python3 python3
need bzip2 bzip2
need xz xz-utils
need mmdebstrap mmdebstrap
need systemd-analyze systemd
need rsyslogd rsyslog
# Docker's SDK in Ubuntu 24.04 wants distutils, which its Python has no more and setuptools brings.
/usr/bin/python3 -c 'import docker' 2>/dev/null || missing="$missing python3-docker python3-setuptools"
[ -e /usr/lib/*/rsyslog/lmnsd_ossl.so ] || missing="$missing rsyslog-openssl"
[ -z "$missing" ] || install_packages $missing
# From trixie on the command is a package of its own.
install_where_packaged docker docker-cli
install_where_packaged linux.uml user-mode-linux
install_plugins
ensure_host
ensure_bundles
exec "$bun" tools/test.ts "$@"
