#!/bin/bash
# Runs a command on a kernel of its own whose cgroups are pure v2: user-mode-linux on this host's files.
# usage: boot.sh COMMAND [ARG...]      exit status: the command's, or 125 if the kernel did not come up
#
# That kernel has cpu, io, memory and pids on cgroup v2, overlayfs, bridge and veth. It has no nftables families
# for IP, no cpuset and one processor. What the command writes under /tmp, /run and /var/lib/wharf is in memory.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
command -v linux.uml >/dev/null || { echo "user-mode-linux is not installed" >&2; exit 125; }
work=$(mktemp -d /var/tmp/wharf-uml.XXXXXX)
trap 'rm -rf "$work"' EXIT
printf '%q ' "$@" >"$work/command"
pwd >"$work/directory"
timeout "${UML_TIMEOUT:-300}" linux.uml "mem=${UML_MEMORY:-1536M}" rootfstype=hostfs rootflags=/ rw quiet \
  "init=$here/init.sh" "wharf_work=$work" con=null con0=fd:0,fd:1 "umid=wharf-$$" uml_dir="$work" </dev/null \
  2>"$work/kernel.log" | sed -u 's/\r$//; 1,/^--- wharf ---$/d; /^--- end ---$/,$d'
[ -f "$work/status" ] || { cat "$work/kernel.log" >&2; exit 125; }
exit "$(cat "$work/status")"
