#!/bin/sh
# Pid 1 of a test's namespaces: everything in them dies when the test closes stdin, or is killed itself.
set -e
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock
for private in "$@"; do
  mkdir -p "$private"
  mount -t tmpfs -o mode=755 tmpfs "$private"
done
ip link set lo up
exec 3<&0
cat <&3 >/dev/null &
echo ready
# Waiting for a named child also reaps the orphans that daemons leave to pid 1.
wait $!
