import { writeFileSync } from 'node:fs';
import type { Cli } from '../cli.ts';
import { ExitError } from '../exit-error.ts';
import type { Values } from '../flags/flag.ts';
import { toMap } from '../flags/key-values.ts';
import { cut } from '../flags/parse.ts';
import { BuildTrace } from '../progress/build-trace.ts';
import { chooseDisplay, hasColours } from '../progress/choose-display.ts';
import type { flags } from './build-flags.ts';
import { imageIdOf, metadataOf, reportFailure, reportWarnings, writeMetadata } from './build-report.ts';
import type { BuildSettings } from './build-settings.ts';
import { requireDefaultBuilder } from './builders.ts';
import { type BuildOutcome, runBuild } from './run-build.ts';

/** `wharf build` over BuildKit's interface. */
export async function buildCommand(
  cli: Cli,
  values: Values<typeof flags>,
  source: string,
  ref?: string,
): Promise<number> {
  requireDefaultBuilder(values.builder);
  const settings = settingsOf(values, source, cli.environment.defaultPlatform);
  const isQuiet = values.quiet || settings.call !== 'build';
  const display = await chooseDisplay(cli, isQuiet ? 'quiet' : values.progress);
  const trace = new BuildTrace();
  const { signal } = new AbortController();
  let outcome: BuildOutcome;
  try {
    outcome = await runBuild(cli, {
      settings,
      signal,
      ref,
      onStatus: (status) => {
        trace.add(status);
        display.add(status);
      },
    });
    display.end();
  } catch (error) {
    display.end();
    if (values.progress !== 'rawjson') reportFailure(trace, cli.err);
    throw error;
  }
  const { response, answer } = outcome;
  if (settings.call !== 'build') return tellAnswer(cli, answer);
  if (!isQuiet && values.progress !== 'rawjson') reportWarnings(trace, cli.err, { colours: hasColours(cli) });
  const id = imageIdOf(response);
  if (values['metadata-file'] !== '') writeMetadata(values['metadata-file'], metadataOf(response, outcome.ref));
  if (values.iidfile !== '' && id !== undefined) writeFileSync(values.iidfile, id);
  if (values.quiet && id !== undefined) cli.out.print(`${id}\n`);
  return 0;
}

/** What the frontend said in words for people, and the code that it asks for. */
function tellAnswer(cli: Cli, answer: BuildOutcome['answer']): number {
  const textOf = (name: string) => Buffer.from(answer[name] ?? '').toString();
  cli.out.print(textOf('result.txt') || (answer['result.json'] ? `${textOf('result.json')}\n` : ''));
  return Number(textOf('result.statuscode')) || 0;
}

function settingsOf(values: Values<typeof flags>, context: string, platform: string | undefined): BuildSettings {
  const attests = [...values.attest];
  for (const type of ['provenance', 'sbom'] as const) if (values[type] !== '') attests.push(attest(type, values[type]));
  const calls = ['build', 'check', 'lint', 'outline', 'targets', 'subrequests.describe'];
  const call = values.check ? 'check' : values.call;
  if (!calls.includes(call))
    throw new ExitError(1, `ERROR: invalid call ${call}: use build, check, outline or targets`);
  return {
    context,
    file: values.file,
    fileText: undefined,
    tags: values.tag,
    buildArgs: Object.fromEntries(values['build-arg'].map(argument)),
    labels: toMap(values.label),
    annotations: values.annotation,
    target: values.target,
    platforms: values.platform.length > 0 ? values.platform : platform === undefined ? [] : [platform],
    network: values.network,
    addHosts: values['add-host'],
    ulimits: values.ulimit,
    shmSize: values['shm-size'],
    cgroupParent: values['cgroup-parent'],
    noCache: values['no-cache'],
    noCacheFilter: values['no-cache-filter'],
    pull: values.pull,
    outputs: values.output,
    push: values.push,
    load: values.load,
    cacheFrom: values['cache-from'],
    cacheTo: values['cache-to'],
    secrets: values.secret,
    ssh: values.ssh,
    attests,
    buildContexts: values['build-context'],
    allow: values.allow,
    call,
  };
}

function argument(text: string): [name: string, value: string | null] {
  const [name, value] = cut(text, '=');
  return [name, value ?? null];
}

/** `true`, `false`, or attributes. */
function attest(type: string, value: string): string {
  if (/^(1|t|true)$/i.test(value)) return `type=${type}`;
  if (/^(0|f|false)$/i.test(value)) return `type=${type},disabled=true`;
  return `type=${type},${value}`;
}
