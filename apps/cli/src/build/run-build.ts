import { randomBytes } from 'node:crypto';
import { homedir } from 'node:os';
import { resolve } from 'node:path';
import { addAuth } from '@wharf/build/client/client-auth';
import { addAgents, addSecrets } from '@wharf/build/client/client-keys';
import { addContentStores } from '@wharf/build/client/content-stores';
import { addFileSend } from '@wharf/build/client/file-send';
import { addFileSync } from '@wharf/build/client/file-sync';
import { openSession } from '@wharf/build/client/session';
import { ask, type BuildJob, openControl, solve } from '@wharf/build/client/solve';
import type { BuildEndpoint } from '@wharf/build/client/upgrade';
import { addUpload } from '@wharf/build/client/upload';
import type { Handlers } from '@wharf/build/grpc/grpc-server';
import { GrpcError } from '@wharf/build/grpc/grpc-status';
import type { StatusResponse } from '@wharf/build/pb/control_pb';
import type { Cli } from '../cli.ts';
import { proxiesOf } from '../commands/container/proxies.ts';
import { readCredentials, registryKey } from '../credentials/credential-store.ts';
import { ExitError } from '../exit-error.ts';
import { attributesOf, namedContexts } from './build-attributes.ts';
import type { BuildSettings } from './build-settings.ts';
import { cacheEntries } from './cache-entries.ts';
import { openAgents, planSecrets } from './keys.ts';
import { tagLocalCaches } from './local-cache.ts';
import { isRemoteContext, prepareInputs } from './local-inputs.ts';
import { planOutputs } from './outputs.ts';

export interface BuildRun {
  readonly settings: BuildSettings;
  readonly onStatus: (status: StatusResponse) => void;
  readonly signal: AbortSignal;
  /** What the daemon is to know it by; one is made up where it is undefined. */
  readonly ref?: string | undefined;
}

/** What came of a build. */
export interface BuildOutcome {
  readonly ref: string;
  /** What exporters told. */
  readonly response: Readonly<Record<string, string>>;
  /** What the frontend said, where it was asked instead. */
  readonly answer: Readonly<Record<string, Uint8Array>>;
}

/** A name for a build that no other has. */
export function newReference(): string {
  const letters = randomBytes(16).toString('base64url').toLowerCase();
  return letters.replace(/[^a-z0-9]/g, 'x').slice(0, 25);
}

/** Builds once on the daemon that the command line chooses. Throws ExitError with the words of docker's client. */
export async function runBuild(
  cli: Cli,
  { settings, onStatus, signal, ref = newReference() }: BuildRun,
): Promise<BuildOutcome> {
  await using held = new AsyncDisposableStack();
  const files = new DisposableStack();
  held.use(files);
  const isAsked = settings.call !== 'build';
  const outputs = isAsked ? undefined : planOutputs(settings);
  const secrets = planSecrets(settings.secrets, cli.environment.lookup);
  const caches = cacheEntries(settings.cacheFrom, settings.cacheTo);
  const inputs = await prepareInputs(settings, files);
  const contexts = namedContexts(settings.buildContexts, inputs.directories);
  const agents = held.use(await openAgents(settings.ssh, cli.environment));

  const handlers: Handlers = new Map();
  addFileSync(handlers, inputs.directories);
  addAuth(handlers, async (domain) => loginOf(cli, domain));
  if (secrets.size > 0) addSecrets(handlers, async (id) => secrets.get(id)?.());
  if (agents.sockets.size > 0) addAgents(handlers, agents.sockets);
  if (outputs && outputs.receivers.size > 0) addFileSend(handlers, outputs.receivers);
  if (caches.stores.size > 0) addContentStores(handlers, caches.stores);
  const upload = inputs.upload && addUpload(handlers, inputs.upload);

  const endpoint = await endpointOf(cli);
  const session = held.use(await openSession(endpoint, handlers, contextName(settings.context)));
  const channel = await openControl(endpoint);
  held.defer(() => channel.close());
  const job: BuildJob = {
    ref,
    sessionId: session.id,
    attributes: {
      ...attributesOf(settings, cli.environment, await proxiesOf(cli)),
      ...inputs.attributes,
      ...contexts,
      ...(upload && { context: upload }),
      ...(isAsked && { requestid: requests[settings.call] ?? settings.call }),
    },
    exporters: outputs?.exporters ?? [],
    cacheImports: caches.from,
    cacheExports: caches.to,
    entitlements: [...new Set([...settings.allow, ...(settings.network === 'host' ? ['network.host'] : [])])],
    signal,
    onStatus,
  };
  try {
    if (isAsked) return { ref, response: {}, answer: await ask(channel, job) };
    const response = await solve(channel, job);
    tagLocalCaches(caches.written, response);
    return { ref, response, answer: {} };
  } catch (error) {
    throw solveFailure(error);
  }
}

/** What `--call` names, as frontends know it. */
const requests: Readonly<Record<string, string>> = {
  check: 'frontend.lint',
  lint: 'frontend.lint',
  outline: 'frontend.outline',
  targets: 'frontend.targets',
  describe: 'frontend.subrequests.describe',
};

function contextName(context: string): string {
  return context === '-' || isRemoteContext(context) ? `${homedir()}:${context}` : resolve(context);
}

/** Where the daemon is that the command line chooses. Throws in the usual words where it does not answer. */
export async function endpointOf(cli: Cli): Promise<BuildEndpoint> {
  await (await cli.client()).negotiate();
  const { address, tls } = await cli.endpoint();
  const { HttpHeaders } = await cli.config();
  return { address, tls, headers: HttpHeaders ?? {} };
}

async function loginOf(cli: Cli, domain: string) {
  const stored = await readCredentials(cli, registryKey(domain));
  if (!stored) return undefined;
  const { username, password, identityToken } = stored;
  return identityToken === '' ? { username, secret: password } : { username: '', secret: identityToken };
}

// https://grpc.github.io/grpc/core/md_doc_statuscodes.html, as Go's clients print them.
const codeNames: Readonly<Record<number, string>> = {
  1: 'Canceled',
  3: 'InvalidArgument',
  5: 'NotFound',
  7: 'PermissionDenied',
  8: 'ResourceExhausted',
  9: 'FailedPrecondition',
  12: 'Unimplemented',
  14: 'Unavailable',
  16: 'Unauthenticated',
};

function solveFailure(error: unknown): unknown {
  if (!(error instanceof GrpcError)) return error;
  const code = codeNames[error.status];
  const words = code === undefined ? error.message : `${code}: ${error.message}`;
  return new ExitError(1, `ERROR: failed to solve: ${words}`);
}
