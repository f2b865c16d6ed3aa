import { writeFileSync } from 'node:fs';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import type { Cli } from '../cli.ts';
import { proxiesOf } from '../commands/container/proxies.ts';
import type { Environment } from '../config.ts';
import { registryConfig } from '../credentials/credential-store.ts';
import { ExitError } from '../exit-error.ts';
import type { Values } from '../flags/flag.ts';
import { humanSize } from '../format/units.ts';
import { showProgress } from '../terminal/progress.ts';
import { isTerminal } from '../terminal/terminal.ts';
import { type BuildContext, directoryContext } from './build-context.ts';
import type { flags } from './build-flags.ts';
import { collect, inputContext } from './standard-input.ts';

/** Builds by `POST /build`, as clients did before BuildKit: what `DOCKER_BUILDKIT=0` asks for. */
export async function classicBuild(
  cli: Cli,
  values: Values<typeof flags>,
  source: string,
  buildid?: string,
): Promise<void> {
  const client = await cli.client();
  const remote = /^(https?:\/\/|git:\/\/|git@|github\.com\/)/.test(source) ? source : undefined;
  const context = remote ? undefined : await openContext(source, values.file);
  const messages = client.stream<JsonMessage>('POST', '/build', {
    query: { ...(await queryOf(cli, values, context?.dockerfile ?? values.file, remote)), buildid },
    body: context && (values.quiet ? context.body : told(cli, context.body)),
    headers: { 'Content-Type': 'application/x-tar', 'X-Registry-Config': await registryConfig(cli) },
  });
  await showProgress(withId(messages, values.iidfile), cli.out, 1);
}

async function openContext(source: string, file: string): Promise<BuildContext> {
  const input = Bun.stdin.stream();
  if (source !== '-') {
    if (file !== '-') return directoryContext(source, { file });
    return directoryContext(source, { file, text: await collect(input[Symbol.asyncIterator]()) });
  }
  if (file === '-') throw new ExitError(1, "invalid argument: can't use stdin for both build context and dockerfile");
  if (isTerminal(0)) throw new ExitError(1, 'nothing to build from: standard input is a terminal');
  return inputContext(input, file || 'Dockerfile');
}

async function queryOf(cli: Cli, values: Values<typeof flags>, dockerfile: string, remote: string | undefined) {
  const limits = {
    memory: values.memory,
    memswap: values['memory-swap'],
    cpushares: values['cpu-shares'],
    cpuperiod: values['cpu-period'],
    cpuquota: values['cpu-quota'],
    shmsize: values['shm-size'],
    cpusetcpus: values['cpuset-cpus'],
    cpusetmems: values['cpuset-mems'],
    cgroupparent: values['cgroup-parent'],
  };
  return {
    ...Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== 0 && value !== '')),
    dockerfile: dockerfile || undefined,
    remote,
    t: values.tag,
    q: values.quiet || undefined,
    nocache: values['no-cache'] || undefined,
    pull: values.pull || undefined,
    rm: values.rm,
    forcerm: values['force-rm'] || undefined,
    target: values.target || undefined,
    platform: values.platform.join(',').toLowerCase() || undefined,
    networkmode: values.network,
    extrahosts: values['add-host'].join(',') || undefined,
    cachefrom: values['cache-from'].length > 0 ? JSON.stringify(values['cache-from']) : undefined,
    buildargs: JSON.stringify(buildArgs(values['build-arg'], cli.environment, await proxiesOf(cli))),
    labels: JSON.stringify(Object.fromEntries(values.label.map((pair) => splitPair(pair, '')))),
    ulimits: JSON.stringify(values.ulimit),
  };
}

/** `NAME` alone takes the value of this environment, and is left to the Dockerfile where there is none. */
function buildArgs(
  given: readonly string[],
  environment: Environment,
  proxies: Readonly<Record<string, string>>,
): Record<string, string | null> {
  const own = Object.entries(proxies).flatMap(([name, value]) => [
    [name, value],
    [name.toLowerCase(), value],
  ]);
  const said = given.map((pair) => splitPair(pair, environment.lookup(pair) ?? null));
  return Object.fromEntries([...own, ...said]);
}

function splitPair<T>(pair: string, missing: T): [name: string, value: string | T] {
  const at = pair.indexOf('=');
  return at < 0 ? [pair, missing] : [pair.slice(0, at), pair.slice(at + 1)];
}

/** Says how much has been sent: as it goes on a terminal, else once. */
async function* told(cli: Cli, body: BuildContext['body']): AsyncGenerator<Uint8Array> {
  const step = isTerminal(1) ? 512 << 10 : Number.POSITIVE_INFINITY;
  const say = (end: string) => cli.out.print(`Sending build context to Docker daemon  ${humanSize(sent)}${end}`);
  let sent = 0;
  let shown = 0;
  for await (const chunk of body) {
    sent += chunk.length;
    if (sent - shown >= step) {
      shown = sent;
      say('\r');
    }
    yield chunk;
  }
  say('\n');
}

/** Writes the file once the image is whole. */
async function* withId(messages: AsyncIterable<JsonMessage>, file: string): AsyncGenerator<JsonMessage> {
  let id = '';
  for await (const message of messages) {
    const { aux, stream = '' } = message;
    // Quiet daemons say it as text alone.
    if (/^sha256:[0-9a-f]{64}\n$/.test(stream)) id = stream.trim();
    if (typeof aux === 'object' && aux !== null && 'ID' in aux) id = String(aux.ID);
    yield message;
  }
  if (file === '') return;
  if (id === '') throw new ExitError(1, `the daemon told no id to be written to ${file}`);
  writeFileSync(file, id);
}
