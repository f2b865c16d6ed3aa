import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';
import { closeNamespace, inNetworkNamespace, openNamespace } from '@wharf/sys/namespaces';
import { openBoundSocket } from '@wharf/sys/socket';
import { addressBytes, addressFromBytes, formatAddress, parseAddress } from './address.ts';
import { encodeName, recordTypes } from './dns/message.ts';
import type { Networking, NetworkSpec, Sandbox, SandboxRequest } from './networking.ts';

const anyAddress = Uint8Array.of(0, 0, 0, 0);

/** What a plain `run` asks for; the id is made from the name. */
export function request(name: string, rest: Partial<SandboxRequest> = {}): SandboxRequest {
  return {
    containerId: Buffer.from(name).toString('hex').padEnd(64, '0'),
    containerName: name,
    hostname: name,
    domainname: '',
    networkMode: 'bridge',
    endpoints: {},
    exposedPorts: [],
    portBindings: {},
    publishAllPorts: false,
    dns: [],
    dnsOptions: [],
    dnsSearch: [],
    extraHosts: [],
    links: [],
    choosesAddresses: false,
    sysctls: {},
    ...rest,
  };
}

export function network(name: string, rest: Partial<NetworkSpec> = {}): NetworkSpec {
  return {
    name,
    driver: 'bridge',
    internal: false,
    attachable: false,
    ingress: false,
    enableIPv4: true,
    enableIPv6: false,
    ipam: { Driver: 'default', Options: null, Config: [] },
    options: {},
    labels: {},
    configOnly: false,
    ...rest,
  };
}

/** A sandbox with its ports, as a start makes it. */
export async function openPublished(networking: Networking, asked: SandboxRequest): Promise<Sandbox> {
  await networking.openSandbox(asked);
  try {
    await networking.publishPorts(asked.containerId);
  } catch (error) {
    await networking.closeSandbox(asked.containerId);
    throw error;
  }
  return networking.sandbox(asked.containerId)!;
}

function namespacePath(sandbox: Sandbox): string {
  assert.equal(sandbox.namespace.kind, 'path');
  return sandbox.namespace.kind === 'path' ? sandbox.namespace.path : '';
}

/** Runs a command in a sandbox; throws where it fails. */
export function run(sandbox: Sandbox, ...command: string[]): string {
  return execFileSync('nsenter', [`--net=${namespacePath(sandbox)}`, ...command], { encoding: 'utf8' });
}

/** A TCP server inside a sandbox that greets each client and hangs up. */
export async function serve(
  sandbox: Sandbox,
  port: number,
  greeting: string,
  address = '0.0.0.0',
): Promise<{ close(): void }> {
  const server = createServer((socket) => socket.end(greeting));
  const fd = inside(sandbox, () =>
    openBoundSocket('tcp', { address: addressBytes(parseAddress(address)!), port, reuseAddress: true, listen: 16 }),
  );
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen({ fd }, resolve);
  await promise;
  return server;
}

/** A UDP server inside a sandbox that answers each packet. */
export async function serveUdp(sandbox: Sandbox, port: number, answer: string): Promise<{ close(): void }> {
  const server = createSocket('udp4');
  server.on('message', (_bytes, from) => server.send(answer, from.port, from.address));
  const fd = inside(sandbox, () => openBoundSocket('udp', { address: anyAddress, port }));
  const { promise, resolve } = Promise.withResolvers<void>();
  server.bind({ fd }, resolve);
  await promise;
  return server;
}

/** What a TCP client hears, from the host or from a sandbox; `error ...` where it cannot connect. */
export async function ask(address: string, port: number, from?: Sandbox, patience = 5): Promise<string> {
  const command = ['busybox', 'nc', '-w', String(patience), address, String(port)];
  const [program = '', ...args] = from ? ['nsenter', `--net=${namespacePath(from)}`, ...command] : command;
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let heard = '';
  let failed = '';
  child.stdout.on('data', (chunk) => {
    heard += chunk;
  });
  child.stderr.on('data', (chunk) => {
    failed += chunk;
  });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on('close', resolve);
  return (await promise) === 0 ? heard : `error ${failed}`;
}

/** Asserts that a TCP client gets nowhere. The kernel sends its second attempt after a second: one is enough. */
export async function refuses(address: string, port: number, from?: Sandbox): Promise<void> {
  assert.match(await ask(address, port, from, 1), /^error/);
}

/** Asks a sandbox's own name server: addresses, names, or `rcode n`. */
export async function lookup(from: Sandbox, name: string, type: number = recordTypes.a): Promise<string> {
  const query = Buffer.concat([
    Buffer.from('123401000001000000000000', 'hex'),
    encodeName(name),
    Uint8Array.of(0, type, 0, 1),
  ]);
  const socket = createSocket('udp4');
  const fd = inside(from, () => openBoundSocket('udp', { address: anyAddress, port: 0 }));
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  socket.on('message', (bytes: Buffer) => resolve(Buffer.from(bytes)));
  socket.bind({ fd }, () => socket.send(query, 53, '127.0.0.11'));
  const timer = setTimeout(resolve, 1000, Buffer.alloc(12));
  const answer = await promise;
  clearTimeout(timer);
  socket.close();
  const count = answer.readUInt16BE(6);
  if (count === 0) return `rcode ${answer[3]! & 15}`;
  return readAnswers(answer, query.length, count).join(' ');
}

/** Records with a pointer for a name, as our server writes them. */
function readAnswers(answer: Buffer, start: number, count: number): string[] {
  const found: string[] = [];
  for (let offset = start; found.length < count; ) {
    const end = offset + 12 + answer.readUInt16BE(offset + 10);
    const data = answer.subarray(offset + 12, end);
    const isName = answer.readUInt16BE(offset + 2) === recordTypes.ptr;
    found.push(isName ? readName(data) : formatAddress(addressFromBytes(data)));
    offset = end;
  }
  return found;
}

function readName(bytes: Buffer): string {
  const labels: string[] = [];
  for (let offset = 0; bytes[offset]; offset += 1 + bytes[offset]!) {
    labels.push(bytes.toString('latin1', offset + 1, offset + 1 + bytes[offset]!));
  }
  return labels.join('.');
}

/** Runs `body` in the sandbox's network namespace; it must be synchronous. */
export function inside<T>(sandbox: Sandbox, body: () => T): T {
  const fd = openNamespace(namespacePath(sandbox));
  try {
    return inNetworkNamespace(fd, body);
  } finally {
    closeNamespace(fd);
  }
}
