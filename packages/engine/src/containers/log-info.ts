import { hostname } from 'node:os';
import { shortId } from '@wharf/base/id';
import { compileTemplate, executeTemplate } from '@wharf/base/template/execute';
import { createRow, type Row } from '@wharf/base/template/row';
import type { ContainerRecord } from './container-record.ts';

/** The image's first letters, as Docker's tags have them: with what of `sha256:` comes before. */
const imageIdLength = 12;

type Logged = Pick<ContainerRecord, 'id' | 'name' | 'config' | 'hostConfig' | 'image' | 'path' | 'args' | 'created'>;

/** What the log option `tag` may ask for: the fields and methods of Docker's logger.Info. */
function logInfo(record: Logged, logPath: string): Row {
  const { id, name, config, hostConfig, image, path, args, created } = record;
  return createRow('*logger.Info', {
    ID: () => shortId(id),
    FullID: () => id,
    Name: () => name,
    ImageID: () => image.id.slice(0, imageIdLength),
    ImageFullID: () => image.id,
    ImageName: () => image.name,
    Command: () => [path, ...args].join(' '),
    Hostname: () => hostname(),
    DaemonName: () => 'docker',
    Config: () => hostConfig.LogConfig.Config,
    ContainerID: () => id,
    ContainerName: () => `/${name}`,
    ContainerEntrypoint: () => path,
    ContainerArgs: () => [...args],
    ContainerImageID: () => image.id,
    ContainerImageName: () => image.name,
    ContainerCreated: () => created,
    ContainerEnv: () => config.Env ?? [],
    ContainerLabels: () => config.Labels,
    LogPath: () => logPath,
    // Go hands it a function that renames keys, which templates can only give as nil.
    ExtraAttributes: (_rename) => logAttributes(record),
  });
}

/** A tag that is no template, or asks for what there is not. */
export class LogTagError extends Error {}

/** The tag of a container's messages: the short id, unless a template says otherwise. */
export function logTag(record: Logged, logPath: string): string {
  const template = record.hostConfig.LogConfig.Config.tag || '{{.ID}}';
  try {
    return executeTemplate(compileTemplate(template), logInfo(record, logPath));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new LogTagError(
      message.replace(/^template: (?::|\w*:)?/, 'template: log-tag:').replace('executing ""', 'executing "log-tag"'),
    );
  }
}

/** `labels` and `env` name what goes along with each message, `labels-regex` and `env-regex` match names. */
export function logAttributes({ config, hostConfig }: Logged): Record<string, string> {
  const options = hostConfig.LogConfig.Config;
  const variables = Object.fromEntries((config.Env ?? []).map((entry) => splitVariable(entry)));
  return {
    ...pick(config.Labels, options.labels, options['labels-regex']),
    ...pick(variables, options.env, options['env-regex']),
  };
}

function splitVariable(entry: string): [string, string] {
  const equals = entry.indexOf('=');
  return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
}

function pick(
  from: Readonly<Record<string, string>>,
  names: string | undefined,
  pattern: string | undefined,
): Record<string, string> {
  const wanted = new Set(names?.split(',').map((name) => name.trim()) ?? []);
  const regex = pattern === undefined || pattern === '' ? undefined : new RegExp(pattern);
  return Object.fromEntries(Object.entries(from).filter(([name]) => wanted.has(name) || regex?.test(name)));
}
