import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { PortTransport } from './publish-request.ts';

/** State column of /proc/net/tcp: TCP_LISTEN, and for UDP an unconnected socket. */
const boundStates: Record<PortTransport, string> = { tcp: '0A', udp: '07', sctp: '' };

/** The process of the host that holds a port; undefined where /proc does not tell. It walks all of /proc. */
export function findPortOwner(transport: PortTransport, port: number): { name: string; pid: number } | undefined {
  if (transport === 'sctp') return undefined;
  const inodes = new Set([transport, `${transport}6`].flatMap((table) => boundInodes(table, transport, port)));
  if (inodes.size === 0) return undefined;
  for (const entry of list('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const holds = list(`/proc/${entry}/fd`).some((fd) => inodes.has(link(`/proc/${entry}/fd/${fd}`)));
    if (holds) return { name: read(`/proc/${entry}/comm`).trim(), pid: Number(entry) };
  }
  return undefined;
}

/** As the descriptors' links name them: `socket:[4711]`. */
function boundInodes(table: string, transport: PortTransport, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return read(`/proc/net/${table}`)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local?.endsWith(`:${wanted}`) && state === boundStates[transport])
    .map((columns) => `socket:[${columns[9]}]`);
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
