import { type DaemonAddress, parseAddress } from '@wharf/api/client/address';
import type { ClientTls } from '@wharf/api/client/duplex';
import { EngineError, invalidArgument } from '@wharf/base/error';
import type { Cli } from '../cli.ts';
import { readContext, readContextTls } from './context-store.ts';

const wharfSocket = '/run/wharf/wharf.sock';
const dockerSocket = '/var/run/docker.sock';

/** The daemon to talk to. */
export interface Endpoint {
  readonly context: string;
  readonly address: DaemonAddress;
  readonly tls?: ClientTls;
}

/**
 * In docker's order: -H, else -c, else DOCKER_HOST, else DOCKER_CONTEXT, else the context of `context use`,
 * else the default socket.
 */
export async function currentContextName(cli: Cli): Promise<string> {
  const { globals, environment } = cli;
  if (globals.host.length > 0) return 'default';
  if (globals.context !== '') return globals.context;
  if (environment.host !== undefined) return 'default';
  return environment.context ?? (await cli.config()).currentContext ?? 'default';
}

export async function resolveEndpoint(cli: Cli): Promise<Endpoint> {
  const { globals } = cli;
  if (globals.host.length > 1) throw invalidArgument('specify only one -H');
  if (globals.host.length > 0 && globals.context !== '') {
    throw invalidArgument('conflicting options: cannot specify both --host and --context');
  }
  const context = await currentContextName(cli);
  return context === 'default' ? defaultEndpoint(cli) : contextEndpoint(cli, context);
}

async function contextEndpoint(cli: Cli, name: string): Promise<Endpoint> {
  try {
    const meta = await readContext(cli.configDirectory, name);
    const tls = await readContextTls(cli.configDirectory, meta);
    const address = parseAddress(meta.Endpoints.docker?.Host || `unix://${dockerSocket}`, tls ? 2376 : 2375);
    return { context: name, address, ...(tls ? { tls } : {}) };
  } catch (error) {
    const { code, message } = EngineError.from(error);
    throw new EngineError(code, `Failed to initialize: unable to resolve docker endpoint: ${message}`);
  }
}

/** What flags, environment and default say, without a context. */
export async function defaultEndpoint(cli: Cli): Promise<Endpoint> {
  const text = cli.globals.host[0] ?? cli.environment.host;
  const tls = await flagTls(cli);
  if (text !== undefined) {
    return { context: 'default', address: parseAddress(text, tls ? 2376 : 2375), ...(tls ? { tls } : {}) };
  }
  return { context: 'default', address: parseAddress(`unix://${await defaultSocket()}`) };
}

async function defaultSocket(): Promise<string> {
  try {
    await Bun.file(wharfSocket).stat();
    return wharfSocket;
  } catch {
    return dockerSocket;
  }
}

async function flagTls({ globals, environment }: Cli): Promise<ClientTls | undefined> {
  const verify = globals.tlsverify || environment.tlsVerify;
  const given = globals.tlscacert !== '' || globals.tlscert !== '' || globals.tlskey !== '';
  if (!verify && !globals.tls && !environment.tls && !given) return undefined;
  const directory = environment.certPath ?? environment.configDirectory;
  const [ca, cert, key] = await Promise.all([
    pem(globals.tlscacert, `${directory}/ca.pem`),
    pem(globals.tlscert, `${directory}/cert.pem`),
    pem(globals.tlskey, `${directory}/key.pem`),
  ]);
  return {
    verify,
    ...(ca === undefined || !verify ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

// A file that was named must exist; the one at the default place may.
async function pem(named: string, fallback: string): Promise<string | undefined> {
  const file = Bun.file(named || fallback);
  if (await file.exists()) return file.text();
  if (named === '') return undefined;
  throw invalidArgument(`unable to resolve docker endpoint: open ${named}: no such file or directory`);
}
