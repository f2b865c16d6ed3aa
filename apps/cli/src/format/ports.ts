import type { PortSummary } from '@wharf/api/container';

interface Group {
  first: number;
  last: number;
}

/** `0.0.0.0:80->80/tcp, 8000-8010/tcp`: runs of equal ports together, as `ps` shows them. */
export function formatPorts(ports: readonly PortSummary[]): string {
  const groups = new Map<string, Group>();
  const finished: string[] = [];
  const mapped: string[] = [];
  for (const { IP = '', PrivatePort, PublicPort = 0, Type } of [...ports].sort(comparePorts)) {
    if (IP !== '' && PublicPort !== PrivatePort) {
      mapped.push(`${joinHost(IP, String(PublicPort))}->${PrivatePort}/${Type}`);
      continue;
    }
    const key = IP === '' ? Type : `${IP}/${Type}`;
    const group = groups.get(key);
    if (group && PrivatePort === group.last + 1) group.last = PrivatePort;
    else {
      if (group) finished.push(formatGroup(key, group));
      const fresh = { first: PrivatePort, last: PrivatePort };
      // A map keeps the place of a key that is set again.
      groups.set(key, fresh);
    }
  }
  return [...finished, ...[...groups].map(([key, group]) => formatGroup(key, group)), ...mapped].join(', ');
}

function formatGroup(key: string, { first, last }: Group): string {
  const range = first === last ? String(first) : `${first}-${last}`;
  const [ip, type] = key.includes('/') ? key.split('/') : ['', key];
  return ip === '' || ip === undefined ? `${range}/${type}` : `${joinHost(ip, range)}->${range}/${type}`;
}

function joinHost(ip: string, port: string): string {
  return ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`;
}

function comparePorts(a: PortSummary, b: PortSummary): number {
  if (a.PrivatePort !== b.PrivatePort) return a.PrivatePort - b.PrivatePort;
  const [ipA, ipB] = [a.IP ?? '', b.IP ?? ''];
  if (ipA !== ipB) return ipA < ipB ? -1 : 1;
  if ((a.PublicPort ?? 0) !== (b.PublicPort ?? 0)) return (a.PublicPort ?? 0) - (b.PublicPort ?? 0);
  return a.Type < b.Type ? -1 : a.Type > b.Type ? 1 : 0;
}
