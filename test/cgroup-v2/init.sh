#!/bin/bash
# The first process of the kernel that boot.sh starts: mounts what a host has, runs the command, powers off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t cgroup2 -o nsdelegate cgroup2 /sys/fs/cgroup
echo "+cpu +io +memory +pids" >/sys/fs/cgroup/cgroup.subtree_control
work=$(sed -n 's/.*wharf_work=\([^ ]*\).*/\1/p' /proc/cmdline)
checkout=$(cat "$work/directory")
mount -t tmpfs tmpfs /run
mkdir /run/checkout /run/work
mount --bind "$checkout" /run/checkout
mount --bind "$work" /run/work
for directory in /tmp /var/lib /dev/shm; do mkdir -p "$directory" && mount -t tmpfs tmpfs "$directory"; done
# The checkout keeps its path, also where that lies below a directory that is in memory now.
mkdir -p "$checkout" && mount --bind /run/checkout "$checkout"
mkdir -p /dev/pts && mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts /dev/pts
mkdir -p /run/modules/lib && ln -s /usr/lib/uml/modules /run/modules/lib/modules
for module in overlay bridge veth nf_tables nft_chain_nat nft_nat nft_masq nft_fib_inet nft_ct \
  8021q dummy macvlan ipvlan vxlan loop quota_v2; do
  modprobe -d /run/modules "$module" 2>/dev/null
done
ip link set lo up
echo "--- wharf ---"
cd "$checkout" && bash -c "$(cat /run/work/command)" </dev/null 2>&1
echo $? >/run/work/status
echo "--- end ---"
sync
echo o >/proc/sysrq-trigger
sleep 60
