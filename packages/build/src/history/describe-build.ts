import { createHash, randomBytes } from 'node:crypto';
import type { ExporterRequest } from '../exporters/exporter-request.ts';
import type { BuildRecord } from './build-record.ts';
import { hiddenValue, isSecretOption } from './secret-values.ts';

/** What is known of a build before it begins. */
export interface BuildDescription {
  readonly ref: string;
  readonly alias?: string;
  readonly frontend: string;
  readonly options: Readonly<Record<string, string>>;
  readonly exporters: readonly ExporterRequest[];
  /** Tells clients' contexts apart: their shared key, or the name of what is built. */
  readonly context: string;
}

/** A reference as buildx makes them, for a client that brings none. */
export function randomReference(): string {
  const letters = [...randomBytes(25)].map((byte) => (byte % 36).toString(36));
  return letters.join('');
}

/** The record of a build that begins. */
export function describeBuild(build: BuildDescription, now: number): BuildRecord {
  const { ref, alias = '', frontend, exporters } = build;
  const options = withoutSecrets(build.options);
  return {
    ref,
    alias,
    name: nameOf(options) || imageOf(exporters),
    line: lineOf(build),
    frontend,
    options,
    exporters: exporters.map(({ type, attributes }) => ({ type, attributes: withoutSecrets(attributes) })),
    response: {},
    createdAt: now,
    steps: { total: 0, completed: 0, cached: 0, warnings: 0 },
    materials: [],
    pinned: false,
    generation: 0,
  };
}

/** Values of variables that look secret, and passwords of addresses, are not kept. */
function withoutSecrets(options: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => {
      return [name, isSecretOption(name) ? hiddenValue : withoutPassword(value)];
    }),
  );
}

/** An address as people may see it. */
export function withoutPassword(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/)[^/@\s]+@/gi, `$1${hiddenValue}@`);
}

/** As buildx names a build for which it knows no directory. */
function nameOf(options: Readonly<Record<string, string>>): string {
  const named = options['build-arg:BUILDKIT_BUILD_NAME'];
  if (named) return named;
  const { target = '', filename = '' } = options;
  const directory = options['vcs:localdir:dockerfile'] ?? '';
  const file = directory !== '' && directory !== '.' ? `${directory}/${filename}` : filename;
  const localContext = options['vcs:localdir:context'] ?? '';
  const context = options.context ?? (localContext === '.' ? '' : localContext);
  const place = context || file.replace(/(^|\/)Dockerfile$/, '');
  if (target !== '') return place === '' ? target : `${place} (${target})`;
  return place || (options['vcs:source'] ?? '');
}

/** What it was to make, where nothing says what it was made of. */
function imageOf(exporters: readonly ExporterRequest[]): string {
  const names = exporters.map(({ attributes }) => attributes.name ?? '');
  return (names.find((name) => name !== '') ?? '').split(',')[0]!.replace(/^docker\.io\/(?:library\/)?/, '');
}

function lineOf({ frontend, options, context }: BuildDescription): string {
  const { filename = '', target = '', platform = '' } = options;
  const parts = [frontend, context, options.context ?? '', filename, target, platform];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);
}
