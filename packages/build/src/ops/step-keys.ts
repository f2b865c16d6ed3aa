import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { EngineError } from '@wharf/base/error';
import { mount, mountFlags, unmountAll } from '@wharf/sys/mount';
import type { SecretOpt, SSHOpt } from '../pb/llb_pb.ts';
import type { ClientKeys } from '../solver/session.ts';

/** Of a step's workspace, below which nothing is on disk. A daemon that begins unmounts what one before it left. */
export const keysDirectory = 'keys';

/** Secrets and agents of its client that one step has: in memory alone, and gone with the step. */
export class StepKeys implements AsyncDisposable {
  readonly #keys: ClientKeys | undefined;
  readonly #directory: string;
  readonly #servers = new Map<Server, Set<Socket>>();
  readonly #values: Uint8Array[] = [];
  #isMounted = false;
  #count = 0;

  constructor(keys: ClientKeys | undefined, workspace: string) {
    this.#keys = keys;
    this.#directory = join(workspace, keysDirectory);
  }

  /** What must not be seen in the step's output. */
  get values(): readonly Uint8Array[] {
    return this.#values;
  }

  /** undefined where the client has none and need not have it. */
  async value(id: string, { optional }: { optional: boolean }): Promise<Uint8Array | undefined> {
    const value = await this.#keys?.secret(id);
    if (value === undefined && !optional) throw new EngineError('not_found', `secret ${id}: not found`);
    if (value !== undefined) this.#values.push(value);
    return value;
  }

  /** Path of a file with a secret, to be mounted. */
  async file({ ID, uid, gid, mode, optional }: SecretOpt): Promise<string | undefined> {
    const value = await this.value(ID, { optional });
    if (value === undefined) return undefined;
    const path = this.#newPath();
    writeFileSync(path, value, { mode: 0o600, flag: 'wx' });
    chownSync(path, uid, gid);
    chmodSync(path, mode & 0o777);
    return path;
  }

  /** Path of a socket behind which the client's agent answers, to be mounted. */
  async agent({ ID, uid, gid, mode, optional }: SSHOpt): Promise<string | undefined> {
    const id = ID || 'default';
    const keys = this.#keys;
    try {
      if (!keys) throw new EngineError('not_found', `no SSH key ${JSON.stringify(id)} forwarded from the client`);
      await keys.checkSsh(id);
    } catch (error) {
      if (optional) return undefined;
      throw error;
    }
    const path = this.#newPath();
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      socket.on('error', () => undefined);
      const agent = keys.openSsh(id);
      pipeline(socket, agent, socket, () => socket.destroy());
    });
    this.#servers.set(server, sockets);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    chownSync(path, uid, gid);
    chmodSync(path, mode & 0o777);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [server, sockets] of this.#servers) {
      server.close();
      for (const socket of sockets) socket.destroy();
    }
    if (!this.#isMounted) return;
    unmountAll(this.#directory);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #newPath(): string {
    if (!this.#isMounted) {
      mkdirSync(this.#directory, { mode: 0o700 });
      const flags = mountFlags.MS_NOSUID | mountFlags.MS_NODEV | mountFlags.MS_NOEXEC;
      mount({ source: 'tmpfs', target: this.#directory, type: 'tmpfs', flags, data: 'mode=0700' });
      this.#isMounted = true;
    }
    return join(this.#directory, String(this.#count++));
  }
}
