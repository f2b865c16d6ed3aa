import { invalidArgument } from '@wharf/base/error';

interface ExposeSpec {
  readonly text: string;
  /** The protocol is not in lower case. */
  readonly oddProtocol: boolean;
  /** An address or a port of the host is in it: no business of an image. */
  readonly hasHost: boolean;
}

/** `80`, `80/udp`, `8000-8010`, `127.0.0.1:80:80/tcp`: as nat.ParsePortSpecs reads them. */
export function parseExposedPorts(texts: readonly string[]): { ports: string[]; specs: ExposeSpec[] } {
  const ports = new Set<string>();
  const specs = texts.map((text): ExposeSpec => {
    const [address = '', protocol = 'tcp', ...more] = text.split('/');
    const parts = address.split(':');
    const range = parts.at(-1) ?? '';
    const lower = protocol.toLowerCase();
    if (more.length > 0 || !['tcp', 'udp', 'sctp'].includes(lower)) throw invalidArgument(`invalid proto: ${protocol}`);
    if (range === '') throw invalidArgument(`no port specified: ${text}<empty>`);
    for (const port of expandRange(range, text)) ports.add(`${port}/${lower}`);
    return { text, oddProtocol: lower !== protocol, hasHost: parts.length > 1 };
  });
  return { ports: [...ports], specs };
}

function expandRange(range: string, text: string): number[] {
  const match = /^(\d+)(?:-(\d+))?$/.exec(range);
  const start = Number(match?.[1]);
  const end = Number(match?.[2] ?? match?.[1]);
  if (!match || start > 65535 || end > 65535 || end < start) throw invalidArgument(`invalid containerPort: ${text}`);
  return Array.from({ length: end - start + 1 }, (_, index) => start + index);
}
