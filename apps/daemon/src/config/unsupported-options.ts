import { booleanOption, integerOption, listOption, only, textOption } from './option.ts';
import { objectOption } from './structured-options.ts';

const isEmpty = (value: string | readonly unknown[]) => value.length === 0;
const isFalse = (value: boolean) => !value;
const isZero = (value: number) => value === 0;
const hasNothing = (value: object) => Object.keys(value).length === 0;

/**
 * What dockerd can be told and wharfd does not do, yet or by design. A value that asks for nothing, or for what is so
 * in any case, is taken: a file written for dockerd should start wharfd. Every other one is refused by name.
 */
export const unsupportedOptions = {
  'allow-direct-routing': only(booleanOption('Let hosts nearby reach containers on unpublished ports', false), isFalse),
  'bridge-accept-fwmark': only(textOption('Let packets with this mark enter bridge networks', ''), isEmpty),
  builder: only(objectOption('Settings of the builder'), hasNothing),
  'cdi-spec-dirs': only(listOption('Directory of CDI specifications', { flag: 'cdi-spec-dir' }), isEmpty),
  containerd: only(textOption('Socket of containerd', ''), isEmpty),
  'containerd-namespace': only(textOption("containerd's namespace", 'moby'), (value) => value === 'moby'),
  'containerd-plugin-namespace': only(
    textOption("containerd's namespace of plugins", 'plugins.moby', { flag: 'containerd-plugins-namespace' }),
    (value) => value === 'plugins.moby',
  ),
  'cpu-rt-period': only(integerOption('Real-time period of the parent cgroup, in microseconds', 0), isZero),
  'cpu-rt-runtime': only(integerOption('Real-time runtime of the parent cgroup, in microseconds', 0), isZero),
  'cri-containerd': only(booleanOption('Start containerd with its CRI', false), isFalse),
  'firewall-backend': only(textOption('Firewall: nftables', ''), (value) => value === '' || value === 'nftables'),
  'ip-forward': only(booleanOption('Enable forwarding of IPv4', true), (value) => value),
  // No policy of the host's own chains is ever changed.
  'ip-forward-no-drop': booleanOption('Leave the policy of the FORWARD chain as it is', false),
  ip6tables: only(booleanOption('Write firewall rules for IPv6', true), (value) => value),
  iptables: only(booleanOption('Write firewall rules', true), (value) => value),
  'network-control-plane-mtu': only(integerOption("MTU of the cluster's control plane", 1500), (mtu) => mtu === 1500),
  'network-diagnostic-port': only(integerOption("Port of the network's diagnostics", 0), isZero),
  'node-generic-resources': only(
    listOption('Resource that the node offers to services', { flag: 'node-generic-resource' }),
    isEmpty,
  ),
  'nri-opts': only(objectOption('Node resource interface'), ({ enable }) => enable === undefined || enable === false),
  rootless: only(booleanOption('Run without root', false), isFalse),
  'selinux-enabled': only(booleanOption('Label containers for SELinux', false), isFalse),
  'storage-driver': only(textOption('Storage driver', '', { short: 's' }), (value) =>
    ['', 'overlay2', 'overlayfs'].includes(value),
  ),
  'swarm-default-advertise-addr': only(textOption('Address that the cluster is told', ''), isEmpty),
  'swarm-raft-election-tick': only(integerOption("Ticks of the cluster's election", 0), isZero),
  'swarm-raft-heartbeat-tick': only(integerOption("Ticks of the cluster's heartbeat", 0), isZero),
  // Ports are published by the kernel, to loopback too: there is nothing that the proxy would be needed for.
  'userland-proxy': booleanOption('Publish ports on loopback by a process', true),
  'userland-proxy-path': only(textOption("That process's program", ''), isEmpty),
} as const;
