import { writeFileSync } from 'node:fs';
import type { JsonMessage } from '@wharf/api/streams/json-message';
import { parseReference } from '@wharf/oci/reference';
import { type BuildContext, directoryContext } from '../../build/build-context.ts';
import { collect, inputContext } from '../../build/standard-input.ts';
import type { Cli } from '../../cli.ts';
import { registryConfig } from '../../credentials/credential-store.ts';
import { ExitError } from '../../exit-error.ts';
import { bool, int, list, parsed, parsedList, text, type Values } from '../../flags/flag.ts';
import { checkLabel } from '../../flags/key-values.ts';
import { parseSize, parseSwapSize } from '../../flags/size.ts';
import { checkExtraHost } from '../../flags/values/checks.ts';
import { parseUlimit } from '../../flags/values/device.ts';
import { humanSize } from '../../format/units.ts';
import { showProgress } from '../../terminal/progress.ts';
import { isTerminal } from '../../terminal/terminal.ts';
import { defineCommand, exactly } from '../command.ts';
import { proxiesOf } from '../container/proxies.ts';

const flags = {
  'add-host': list('Add a name to /etc/hosts of the steps (host:ip)', { check: checkExtraHost, complete: 'none' }),
  'build-arg': list('Set a variable that the Dockerfile declares with ARG (NAME=value, or NAME to pass it on)', {
    complete: 'environment',
  }),
  'cache-from': list('Image to take results from', { kind: 'strings', complete: 'image' }),
  'cgroup-parent': text('Control group below which the steps run', { complete: 'none' }),
  'cpu-period': int('Length of a period of the CPU quota, in microseconds'),
  'cpu-quota': int('CPU time in a period, in microseconds'),
  'cpu-shares': int('Weight of CPU time', {}),
  'cpuset-cpus': text('CPUs that may run the steps (0-3, 0,1)', { complete: 'none' }),
  'cpuset-mems': text('Memory nodes that the steps may use (0-3, 0,1)', { complete: 'none' }),
  file: text('Path of the Dockerfile; "-" reads it from standard input', { short: 'f', complete: 'file' }),
  'force-rm': bool('Kept for scripts: no container is left behind in any case', { hidden: true }),
  iidfile: text("Write the image's id to this file", { complete: 'file' }),
  label: list('Set a label of the image (key=value)', { check: checkLabel, complete: 'none' }),
  memory: parsed('Memory limit of the steps', 'bytes', 0, parseSize, { short: 'm', complete: 'none' }),
  'memory-swap': parsed("Limit of memory and swap together; '-1' for unlimited swap", 'bytes', 0, parseSwapSize, {
    complete: 'none',
  }),
  network: text('Network of RUN: "default", "none" or "host"', {
    initial: 'default',
    complete: ['default', 'none', 'host'],
  }),
  'no-cache': bool('Run every step again'),
  platform: text('Platform of the image (os/arch)', { complete: 'platform' }),
  pull: bool('Ask the registries for newer base images'),
  quiet: bool("Print only the image's id", { short: 'q' }),
  rm: bool('Kept for scripts: no container is left behind in any case', { initial: true, hidden: true }),
  'shm-size': parsed('Size of /dev/shm of the steps', 'bytes', 0, parseSize, { complete: 'none' }),
  tag: list('Name of the image (name[:tag])', { short: 't', check: checkTag, complete: 'image' }),
  target: text('Stage to build', { complete: 'none' }),
  ulimit: parsedList('Set a limit of the steps (nofile=soft[:hard])', 'ulimit', parseUlimit, {
    shown: '[]',
    complete: 'none',
  }),
};

export const command = defineCommand({
  usage: '[OPTIONS] PATH | URL | -',
  args: exactly(1),
  complete: ['file'],
  flags,
  async run(cli, values, [source = '']) {
    const client = await cli.client();
    const remote = /^(https?:\/\/|git:\/\/|git@|github\.com\/)/.test(source) ? source : undefined;
    const context = remote ? undefined : await openContext(source, values.file);
    const messages = client.stream<JsonMessage>('POST', '/build', {
      query: await queryOf(cli, values, context?.dockerfile ?? values.file, remote),
      body: context && (values.quiet ? context.body : told(cli, context.body)),
      headers: { 'Content-Type': 'application/x-tar', 'X-Registry-Config': await registryConfig(cli) },
    });
    await showProgress(withId(messages, values.iidfile), cli.out, 1);
  },
});

function checkTag(name: string): string {
  parseReference(name);
  return name;
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
    platform: values.platform.toLowerCase() || undefined,
    networkmode: values.network,
    extrahosts: values['add-host'].join(',') || undefined,
    cachefrom: values['cache-from'].length > 0 ? JSON.stringify(values['cache-from']) : undefined,
    buildargs: JSON.stringify(buildArgs(values['build-arg'], await proxiesOf(cli))),
    labels: JSON.stringify(Object.fromEntries(values.label.map((pair) => splitPair(pair, '')))),
    ulimits: JSON.stringify(values.ulimit),
  };
}

/** `NAME` alone takes the value of this environment, and is left to the Dockerfile where there is none. */
function buildArgs(given: readonly string[], proxies: Readonly<Record<string, string>>): Record<string, string | null> {
  const own = Object.entries(proxies).flatMap(([name, value]) => [
    [name, value],
    [name.toLowerCase(), value],
  ]);
  const said = given.map((pair) => splitPair(pair, process.env[pair] ?? null));
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
