#!/bin/sh
# usage: sandbox.sh DIRECTORY CGROUP_PARENT [PRIVATE_DIRECTORY...]
# Keeps a test's namespaces until stdin closes, then removes what is outside of them. It is a session of its own,
# so that it cleans up after tests that were killed, too.
directory=$1
cgroup=$2
shift 2
trap '' HUP INT TERM
unshare --net --mount --pid --fork --kill-child --mount-proc sh "${0%/*}/sandbox-init.sh" "$@"
# A cgroup is busy until the last of its killed processes is reaped.
tries=0
while [ "$tries" -lt 100 ]; do
  for hierarchy in /sys/fs/cgroup /sys/fs/cgroup/*; do
    [ -d "$hierarchy$cgroup" ] && find "$hierarchy$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
  done
  ls -d /sys/fs/cgroup"$cgroup" /sys/fs/cgroup/*"$cgroup" >/dev/null 2>&1 || break
  tries=$((tries + 1))
  sleep 0.05
done
rm -rf "$directory"
