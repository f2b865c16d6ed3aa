import { chownSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import { descriptorOf } from '@wharf/server/http/descriptor';
import { backlog, raiseBacklog } from '@wharf/server/listen-backlog';
import { duplicateDescriptor, setCloseOnExec } from '@wharf/sys/descriptor';
import { listenUnix as bindUnix } from '@wharf/sys/unix-socket';
import { type ListenAddress, parseListenAddress } from './address.ts';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  /** Demand a certificate of the client. */
  readonly verify: boolean;
}

export interface ListenOptions {
  readonly hosts: readonly string[];
  readonly group: string;
  readonly tls: TlsFiles | undefined;
  /** How many descriptors systemd passed, from 3 on. */
  readonly passedDescriptors: number;
  /** Sockets that the program before this one left open, by `-H`. */
  readonly inherited: ReadonlyMap<string, number>;
  readonly accept: (socket: Socket) => void;
  readonly logger: Logger;
}

const firstPassedDescriptor = 3;

/** What systemd passed is for this process alone: containers must not find it open. */
export function keepPassedDescriptors(count: number): void {
  for (let index = 0; index < count; index++) setCloseOnExec(firstPassedDescriptor + index, true);
}

export interface Listeners {
  close(): void;
  /** Stops accepting, but leaves the sockets open for the program that is executed next: clients wait meanwhile. */
  handOver(): ReadonlyMap<string, number>;
}

interface Listening {
  readonly host: string;
  readonly address: ListenAddress;
  readonly server: Server;
}

/** Opens every `-H`; all of them or none. */
export async function listen(options: ListenOptions): Promise<Listeners> {
  const addresses = options.hosts.map((host) => ({
    host,
    address: parseListenAddress(host, { tls: options.tls !== undefined }),
  }));
  const all: Listening[] = [];
  function close(): void {
    for (const { address, server } of all) {
      server.close();
      if (address.kind === 'unix') rmSync(address.path, { force: true });
    }
  }
  try {
    for (const { host, address } of addresses) {
      for (const server of await open(host, address, options)) all.push({ host, address, server });
    }
  } catch (error) {
    close();
    throw error;
  }
  return { close, handOver: () => handOver(all, options.passedDescriptors) };
}

function handOver(all: readonly Listening[], passedDescriptors: number): Map<string, number> {
  const left = new Map<string, number>();
  for (const { host, address, server } of all) {
    const fd = descriptorOf(server);
    // systemd's keep their numbers, which the next program knows.
    if (address.kind === 'fd' || fd === undefined) continue;
    const copy = duplicateDescriptor(fd);
    setCloseOnExec(copy, false);
    left.set(host, copy);
    server.close();
  }
  for (let index = 0; index < passedDescriptors; index++) setCloseOnExec(firstPassedDescriptor + index, false);
  return left;
}

/** Called once the daemon's roots are ours: a socket found then is a dead daemon's, and whoever looks for it can tell. */
export function removeStaleSockets(hosts: readonly string[], inherited: ReadonlyMap<string, number>): void {
  for (const host of hosts) {
    const address = parseListenAddress(host, { tls: false });
    if (address.kind === 'unix' && !inherited.has(host)) rmSync(address.path, { force: true });
  }
}

async function open(host: string, address: ListenAddress, options: ListenOptions): Promise<Server[]> {
  const inherited = options.inherited.get(host);
  switch (address.kind) {
    case 'unix':
      return [await listenUnix(address.path, inherited, options)];
    case 'tcp':
      return [await listenTcp(address, inherited, options)];
    case 'fd':
      return await listenPassed(address.which, options);
  }
}

async function listenUnix(
  path: string,
  inherited: number | undefined,
  { accept, group, logger }: ListenOptions,
): Promise<Server> {
  const fd = inherited ?? openUnixSocket(path, group, logger);
  if (inherited !== undefined) setCloseOnExec(fd, true);
  const server = createServer({ allowHalfOpen: true }, accept);
  await started(server, () => server.listen({ fd }), `unix://${path}`);
  logger.info(`API listen on ${path}`);
  return server;
}

/** For root and a group alone, from its first moment. */
function openUnixSocket(path: string, group: string, logger: Logger): number {
  const gid = groupId(group);
  if (gid === undefined && group !== 'docker') throw invalidArgument(`group ${group} not found`);
  mkdirSync(dirname(path), { recursive: true });
  const before = process.umask(0o117);
  try {
    const fd = bindUnix(path, backlog);
    if (gid !== undefined) chownSync(path, 0, gid);
    else logger.debug('Cannot give the socket to the group docker: there is no such group', { path });
    return fd;
  } catch (cause) {
    throw invalidArgument(`failed to load listener unix://${path}: ${(cause as Error).message}`, { cause });
  } finally {
    process.umask(before);
  }
}

async function listenTcp(
  { host, port }: { host: string; port: number },
  inherited: number | undefined,
  { accept, tls, logger }: ListenOptions,
): Promise<Server> {
  const server = tls ? await createTlsServer(tls, accept) : createServer({ allowHalfOpen: true }, accept);
  if (!tls?.verify) {
    logger.warn(
      `Binding to IP address without --tlsverify is insecure and gives root access on this machine to everyone who has access to your network.`,
      { host: `tcp://${host}:${port}` },
    );
  }
  if (inherited !== undefined) setCloseOnExec(inherited, true);
  const where = inherited === undefined ? { host, port } : { fd: inherited };
  await started(server, () => server.listen(where), `tcp://${host}:${port}`);
  logger.info(`API listen on ${host}:${port}`);
  return server;
}

async function createTlsServer(files: TlsFiles, accept: (socket: Socket) => void): Promise<Server> {
  const { createServer: createSecureServer } = await import('node:tls');
  return createSecureServer(
    {
      cert: readCredential('certificate', files.cert),
      key: readCredential('key', files.key),
      ...(files.verify && { ca: readCredential('CA certificate', files.ca) }),
      requestCert: files.verify,
      rejectUnauthorized: files.verify,
      minVersion: 'TLSv1.2',
      allowHalfOpen: true,
    },
    accept,
  );
}

function readCredential(what: string, path: string): Buffer {
  if (path === '') throw invalidArgument(`could not load TLS ${what}: no file given`);
  try {
    return readFileSync(path);
  } catch (cause) {
    throw invalidArgument(`could not load TLS ${what} (${path}): ${(cause as Error).message}`, { cause });
  }
}

async function listenPassed(which: string, { accept, passedDescriptors, logger }: ListenOptions): Promise<Server[]> {
  if (passedDescriptors === 0)
    throw invalidArgument('no sockets found via socket activation: make sure the service was started by systemd');
  const all = Array.from({ length: passedDescriptors }, (_, index) => firstPassedDescriptor + index);
  const wanted = which === '' || which === '*' ? all : all.filter((fd) => fd === Number(which));
  if (wanted.length === 0) throw invalidArgument(`failed to find systemd activated socket with descriptor ${which}`);
  const servers: Server[] = [];
  for (const fd of wanted) {
    const server = createServer({ allowHalfOpen: true }, accept);
    await started(server, () => server.listen({ fd }), `fd://${fd}`);
    logger.info(`API listen on fd ${fd}`);
    servers.push(server);
  }
  return servers;
}

async function started(server: Server, start: () => void, where: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', (cause) =>
    reject(invalidArgument(`failed to load listener ${where}: ${cause.message}`, { cause })),
  );
  server.once('listening', resolve);
  start();
  await promise;
  raiseBacklog(server);
}

/** By name, or by number. */
function groupId(group: string): number | undefined {
  if (group === '') return 0;
  if (/^\d+$/.test(group)) return Number(group);
  for (const line of readFileSync('/etc/group', 'utf8').split('\n')) {
    const [name, , id] = line.split(':');
    if (name === group && id) return Number(id);
  }
  return undefined;
}
