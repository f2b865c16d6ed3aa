import { once } from 'node:events';
import { createWriteStream, lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { FileReceiver } from '@wharf/build/client/file-send';
import type { TypedAttributes } from '@wharf/build/client/solve';
import { unpackLocal } from '../copy/write-local.ts';
import { ExitError } from '../exit-error.ts';
import { splitCsv } from '../flags/key-values.ts';
import { cut } from '../flags/parse.ts';
import { isTerminal } from '../terminal/terminal.ts';
import type { BuildSettings } from './build-settings.ts';

/** Where a build goes, and who takes what the builder sends. */
export interface BuildOutputs {
  readonly exporters: readonly TypedAttributes[];
  /** By the exporter's place. */
  readonly receivers: ReadonlyMap<number, FileReceiver>;
  /** True where standard output is taken. */
  readonly usesStdout: boolean;
}

interface Output {
  readonly type: string;
  readonly attributes: Record<string, string>;
  readonly dest: string | undefined;
}

/** What `--output`, `--push` and `--load` ask for together. Throws where they contradict one another. */
export function planOutputs({ outputs, push, load, tags, annotations }: BuildSettings): BuildOutputs {
  const given = outputs.filter((text) => text !== '').map(parseOutput);
  const chosen = given.length > 0 ? given.map((output) => pushed(output, push)) : [standard(push)];
  if (load && given.length > 0 && !given.some(isStored)) {
    chosen.push({ type: 'moby', attributes: {}, dest: undefined });
  }
  if (push && !chosen.some(({ attributes }) => attributes.push === 'true')) {
    throw new ExitError(1, "ERROR: push and output of another type than image can't be used together: use two outputs");
  }
  const receivers = new Map<number, FileReceiver>();
  const exporters = chosen.map((output, index) => {
    const receiver = receiverOf(output);
    if (receiver) receivers.set(index, receiver);
    return exporterOf(output, tags, annotations);
  });
  return { exporters, receivers, usesStdout: chosen.some(({ dest }) => dest === '-') };
}

function standard(push: boolean): Output {
  return { type: 'moby', attributes: push ? { push: 'true' } : {}, dest: undefined };
}

function isStored({ type, dest }: Output): boolean {
  return type === 'moby' || (type === 'docker' && dest === undefined);
}

function pushed(output: Output, push: boolean): Output {
  if (!push || output.type !== 'moby') return output;
  return { ...output, attributes: { ...output.attributes, push: 'true' } };
}

/** One `--output`: a directory, `-` for a tar on standard output, or `type=...,name=value,...`. */
export function parseOutput(text: string): Output {
  const fields = splitCsv(text);
  const [first = ''] = fields;
  if (fields.length === 1 && first === text && !first.startsWith('type=')) {
    return first === '-' ? { type: 'tar', attributes: {}, dest: '-' } : { type: 'local', attributes: {}, dest: first };
  }
  const attributes: Record<string, string> = {};
  for (const field of fields) {
    const [name, value] = cut(field, '=');
    if (value === undefined) throw new ExitError(1, `ERROR: invalid value ${field}`);
    attributes[name.trim().toLowerCase()] = value;
  }
  const { type, dest, ...rest } = attributes;
  if (type === undefined) throw new ExitError(1, 'ERROR: type is required for output');
  switch (type) {
    case 'registry':
      return { type: 'moby', attributes: { ...rest, push: 'true' }, dest: undefined };
    case 'image':
      return { type: 'moby', attributes: rest, dest: undefined };
    case 'docker':
      // To the engine itself, unless a file is named.
      return dest === undefined ? { type: 'moby', attributes: rest, dest } : { type, attributes: rest, dest };
    default:
      return { type, attributes: rest, dest };
  }
}

function exporterOf(output: Output, tags: readonly string[], annotations: readonly string[]): TypedAttributes {
  // A directory comes as a tar, which is unpacked here without following links.
  const type = output.type === 'local' ? 'tar' : output.type;
  const attributes: Record<string, string> = { ...output.attributes };
  if (['moby', 'docker', 'oci'].includes(type)) {
    if (attributes.name === undefined && tags.length > 0) attributes.name = tags.join(',');
    for (const annotation of annotations) Object.assign(attributes, annotationOf(annotation));
  }
  return { type, attributes };
}

/** `[TYPE[PLATFORM],...:]KEY=VALUE` as the attributes that ask for it. */
function annotationOf(text: string): Record<string, string> {
  const [name, value] = cut(text, '=');
  if (value === undefined)
    throw new ExitError(1, `ERROR: invalid annotation ${JSON.stringify(text)}, expected key=value`);
  const [, places = '', key = name] = /^([a-z-]+(?:\[[^\]]*\])?(?:,[a-z-]+(?:\[[^\]]*\])?)*):(.+)$/.exec(name) ?? [];
  if (places === '') return { [`annotation.${key}`]: value };
  return Object.fromEntries(places.split(',').map((place) => [`annotation-${place}.${key}`, value]));
}

function receiverOf({ type, attributes, dest }: Output): FileReceiver | undefined {
  switch (type) {
    case 'local': {
      if (dest === undefined || dest === '') throw new ExitError(1, 'ERROR: dest is required for local output');
      if (dest === '-') throw new ExitError(1, 'ERROR: dest cannot be stdout for local output');
      return async (content) => {
        mkdirSync(dest, { recursive: true });
        await unpackLocal(content, dest, (name) => name);
      };
    }
    case 'tar':
    case 'oci':
    case 'docker':
      if (/^(0|f|false)$/i.test(attributes.tar ?? '')) {
        throw new ExitError(1, `ERROR: ${type} output with tar=false is not supported: name a file, and unpack it`);
      }
      return dest === undefined || dest === '' || dest === '-' ? toStdout(type) : toFile(dest, type);
    default:
      return undefined;
  }
}

function toStdout(type: string): FileReceiver {
  if (isTerminal(1)) {
    throw new ExitError(1, `ERROR: dest file is required for ${type} exporter. refusing to write to console`);
  }
  return async (content) => {
    const sink = Bun.stdout.writer();
    for await (const bytes of content) {
      sink.write(bytes);
      await sink.flush();
    }
  };
}

function toFile(dest: string, type: string): FileReceiver {
  if (lstatSync(dest, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ExitError(1, `ERROR: destination file ${dest} of the ${type} output is a directory`);
  }
  return async (content) => {
    mkdirSync(dirname(dest), { recursive: true });
    const file = createWriteStream(dest);
    await once(file, 'open');
    for await (const bytes of content) if (!file.write(bytes)) await once(file, 'drain');
    file.end();
    await once(file, 'close');
  };
}
