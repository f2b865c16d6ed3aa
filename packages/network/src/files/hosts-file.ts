const standardLines = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::\tip6-localnet',
  'ff00::\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
];

export interface HostsEntry {
  readonly address: string;
  readonly names: readonly string[];
}

/** /etc/hosts of a container with a network of its own: extra hosts, links, then its own addresses. */
export function formatHosts(entries: readonly HostsEntry[]): string {
  return `${[...standardLines, ...entries.map(formatEntry)].join('\n')}\n`;
}

/** /etc/hosts of a container in the host's network: the host's file and the extra hosts. */
export function extendHosts(hostFile: string, entries: readonly HostsEntry[]): string {
  const base = hostFile === '' || hostFile.endsWith('\n') ? hostFile : `${hostFile}\n`;
  return entries.length === 0 ? base : `${base}${entries.map(formatEntry).join('\n')}\n`;
}

function formatEntry({ address, names }: HostsEntry): string {
  return `${address}\t${names.join(' ')}`;
}

/** `name:address` or `name=address`; `host-gateway` stands for the addresses given. */
export function parseExtraHost(text: string, hostGateway: readonly string[]): HostsEntry[] {
  const match = /^([^:=]+)[:=](.+)$/.exec(text);
  if (!match) return [];
  const name = match[1]!;
  const address = match[2]!.replace(/^\[(.*)\]$/, '$1');
  const addresses = address === 'host-gateway' ? hostGateway : [address];
  return addresses.map((each) => ({ address: each, names: [name] }));
}
