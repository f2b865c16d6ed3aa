#!/bin/sh
# usage: sandbox.sh DIRECTORY CGROUP_PARENT [PRIVATE_DIRECTORY...]
# Keeps a test's namespaces until stdin closes, then removes what is outside of them. It is a session of its own,
# so that it cleans up after tests that were killed, too.
directory=$1
cgroup=$2
shift 2
trap '' HUP INT TERM
unshare --net --mount --pid --fork --kill-child --mount-proc sh "${0%/*}/sandbox-init.sh" "$@"

# The test's cgroups, and those that are named after them.
cgroups() {
  ls -d /sys/fs/cgroup"$cgroup" /sys/fs/cgroup/*"$cgroup" /sys/fs/cgroup/*"$cgroup"-* 2>/dev/null
}

# A cgroup is busy until the last of its killed processes is reaped.
tries=0
while [ "$tries" -lt 100 ]; do
  for made in $(cgroups); do
    # Where a directory is no hierarchy, since a mount namespace has its own there, runtimes make plain files.
    case $(stat -f -c %T "$made") in
      cgroup*) find "$made" -depth -type d -exec rmdir {} + 2>/dev/null ;;
      *) rm -rf "$made" ;;
    esac
  done
  [ -n "$(cgroups)" ] || break
  tries=$((tries + 1))
  sleep 0.05
done
rm -rf "$directory"
