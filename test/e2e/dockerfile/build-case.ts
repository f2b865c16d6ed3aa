import type { TarEntry } from '../../fixtures/tar.ts';

/** A Dockerfile that shows one rule of the language. What comes of it is in test/golden/dockerfile. */
export interface BuildCase {
  readonly rule: string;
  /** Without a FROM it begins with `FROM scratch` where all that it does is to copy, else with `FROM busybox`. */
  readonly dockerfile: string;
  readonly files?: Readonly<Record<string, ContextFile>>;
  readonly options?: BuildOptions;
  /** What the builder says; there is no image then. */
  readonly fails?: RegExp;
  /** Younger than the BuildKit that we compare with: what is expected was written by hand from the documentation. */
  readonly isNewer?: boolean;
  /** What the client leaves away is told by the builder: only where BuildKit's own client builds. */
  readonly needsBuildx?: boolean;
}

/** A text is a file of mode 644. All have the same time, unless they say one. */
export type ContextFile =
  | string
  | {
      readonly content?: string;
      readonly mode?: number;
      readonly link?: string;
      readonly directory?: true;
      /** Seconds since 1970. */
      readonly time?: number;
      /** An archive of these. */
      readonly tar?: readonly TarEntry[];
      readonly packed?: 'gzip' | 'bzip2' | 'xz' | 'zstd';
    };

export interface BuildOptions {
  readonly args?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly target?: string;
  /** Path of the Dockerfile in the context. */
  readonly dockerfile?: string;
  readonly extraHosts?: readonly string[];
  readonly network?: string;
  readonly shmSize?: number;
  readonly ulimit?: { readonly Name: string; readonly Soft: number; readonly Hard: number };
}

/** One of `contextFiles` that says nothing else. */
export const contextTime = 1_600_000_000;

export function dockerfileText({ dockerfile }: BuildCase): string {
  const instructions = dockerfile.split(/\r?\n/).filter((line) => !line.startsWith('#'));
  if (instructions.some((line) => /^\s*FROM\s/i.test(line))) return dockerfile;
  if (!instructions.some((line) => /\S/.test(line))) return dockerfile;
  const copies = instructions.some((line) => /^(?:COPY|ADD)\s/.test(line));
  const base = copies && !instructions.some((line) => line.startsWith('RUN ')) ? 'scratch' : 'busybox';
  const directives = /^(?:#.*\n)*/.exec(dockerfile)![0];
  return `${directives}FROM ${base}\n${dockerfile.slice(directives.length)}`;
}
