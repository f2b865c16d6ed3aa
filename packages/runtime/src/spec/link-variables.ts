export interface LinkedContainer {
  readonly alias: string;
  /** `/container/alias` */
  readonly name: string;
  readonly address: string;
  /** `80/tcp` */
  readonly ports: readonly string[];
  readonly environment: readonly string[];
}

interface Port {
  readonly number: number;
  readonly protocol: string;
}

/** The variables that a legacy link sets: where the other container's ports are, its name and its own environment. */
export function linkVariables({ alias, name, address, ports, environment }: LinkedContainer): string[] {
  const prefix = alias.toUpperCase().replaceAll('-', '_');
  const sorted = ports.map(parsePort).sort(byNumber);
  const [first] = sorted;
  return [
    ...(first ? [`${prefix}_PORT=${location(first, address)}`] : []),
    ...ranges(sorted).flatMap(([start, end]) => rangeVariables(prefix, address, start, end)),
    ...sorted.flatMap((port) => portVariables(prefix, address, port)),
    `${prefix}_NAME=${name}`,
    ...environment.filter(isOwn).map((entry) => `${prefix}_ENV_${entry}`),
  ];
}

function parsePort(text: string): Port {
  const [number = '', protocol = 'tcp'] = text.split('/');
  return { number: Number.parseInt(number, 10), protocol };
}

function byNumber(a: Port, b: Port): number {
  return a.number - b.number || (a.protocol === 'tcp' ? -1 : 1);
}

function location({ number, protocol }: Port, address: string): string {
  return `${protocol}://${address}:${number}`;
}

function portVariables(prefix: string, address: string, port: Port): string[] {
  const { number, protocol } = port;
  const name = `${prefix}_PORT_${number}_${protocol.toUpperCase()}`;
  return [
    `${name}=${location(port, address)}`,
    `${name}_ADDR=${address}`,
    `${name}_PORT=${number}`,
    `${name}_PROTO=${protocol}`,
  ];
}

/** Three ports or more in a row are told as a range, too. */
function ranges(sorted: readonly Port[]): [start: Port, end: Port][] {
  const found: [Port, Port][] = [];
  for (let from = 0; from < sorted.length; ) {
    let to = from;
    while (sorted[to + 1]?.number === sorted[to]!.number + 1) to++;
    if (to > from + 1) found.push([sorted[from]!, sorted[to]!]);
    from = to + 1;
  }
  return found;
}

function rangeVariables(prefix: string, address: string, start: Port, end: Port): string[] {
  const name = `${prefix}_PORT_${start.number}_${start.protocol.toUpperCase()}`;
  return [
    `${name}_START=${location(start, address)}`,
    `${name}_ADDR=${address}`,
    `${name}_PROTO=${start.protocol}`,
    `${name}_PORT_START=${start.number}`,
    `${name}_END=${location(end, address)}`,
    `${name}_PORT_END=${end.number}`,
  ];
}

/** HOME and PATH say nothing about a container. */
function isOwn(entry: string): boolean {
  return entry.includes('=') && !/^(HOME|PATH)=/.test(entry);
}
