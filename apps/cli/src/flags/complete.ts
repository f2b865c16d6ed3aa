import type { BuildRecordSummary } from '@wharf/api/build-history';
import type { ContainerSummary } from '@wharf/api/container';
import type { ImageSummary } from '@wharf/api/image';
import type { NetworkInspect } from '@wharf/api/network';
import type { VolumeList } from '@wharf/api/volume';
import type { Cli } from '../cli.ts';
import { entries, findCommand, groupsWithin } from '../commands/tree.ts';
import { listContexts } from '../context/context-store.ts';
import type { CompletionKind, Flag } from './flag.ts';
import { globalFlags } from './global.ts';
import { cut, type FlagSet } from './parse.ts';

/** What may stand at the cursor, and whether the shell should offer files instead. */
interface Offer {
  readonly candidates: readonly (readonly [value: string, description: string])[];
  readonly files: boolean;
}

const nothing: Offer = { candidates: [], files: false };

/**
 * Answers a shell: `words` are those before the cursor, the last one unfinished. Prints a candidate a line with its
 * description after a tab, and `:files` at the end where file names fit too.
 */
export async function complete(cli: Cli, words: readonly string[]): Promise<number> {
  const { candidates, files } = await offer(cli, words);
  const typed = words.at(-1) ?? '';
  for (const [value, description] of candidates) {
    if (value.startsWith(typed)) cli.out.print(description === '' ? `${value}\n` : `${value}\t${description}\n`);
  }
  if (files) cli.out.print(':files\n');
  return 0;
}

async function offer(cli: Cli, words: readonly string[]): Promise<Offer> {
  const typed = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  const global = scan(globalFlags, before, false);
  if (global.pending) return offerValue(cli, global.pending);
  const [command] = global.positional;
  if (command === undefined) return typed.startsWith('-') ? offerFlags(globalFlags) : offerCommands('');
  const found = findCommand(global.positional);
  if (found.kind === 'group') return typed.startsWith('-') ? nothing : offerCommands(found.group);
  if (found.kind !== 'command') return nothing;
  const definition = await found.entry.load();
  const interspersed = definition.interspersed ?? true;
  const line = scan(definition.flags, found.rest, interspersed);
  if (line.pending) return offerValue(cli, line.pending);
  const passedOn = !interspersed && line.positional.length > 0;
  if (typed.startsWith('--') && typed.includes('=') && !passedOn) return offerAfterEquals(cli, definition.flags, typed);
  if (typed.startsWith('-') && !passedOn) return offerFlags(definition.flags);
  const kinds = definition.complete ?? [];
  const kind = kinds[Math.min(line.positional.length, kinds.length - 1)];
  if (kind === undefined || line.positional.length >= definition.args.max) return nothing;
  const { candidates, files } = await offerKind(cli, kind);
  return { candidates: candidates.filter(([value]) => !line.positional.includes(value)), files };
}

/** Walks over finished words; `pending` is a flag whose value is at the cursor. */
function scan(flags: FlagSet, words: readonly string[], interspersed: boolean) {
  const positional: string[] = [];
  let pending: Flag<unknown> | undefined;
  for (const [at, word] of words.entries()) {
    if (pending) pending = undefined;
    else if (positional.length > 0 && !interspersed)
      return { positional: [...positional, ...words.slice(at)], pending };
    else if (word.startsWith('--')) {
      const flag = flags[word.slice(2)];
      pending = flag && flag.bare === undefined ? flag : undefined;
    } else if (word.startsWith('-') && word.length > 1) {
      const last = word.at(-1);
      const flag = Object.values(flags).find(({ short }) => short === last);
      pending = flag && flag.bare === undefined ? flag : undefined;
    } else positional.push(word);
  }
  return { positional, pending };
}

function offerFlags(flags: FlagSet): Offer {
  const shown = Object.entries(flags).filter(([, { hidden }]) => !hidden);
  const candidates = shown.map(([name, { help }]) => [`--${name}`, help.split('\n')[0] ?? ''] as const);
  return { candidates: [...candidates, ['--help', 'Print help'] as const], files: false };
}

function offerCommands(group: string): Offer {
  const members =
    group === '' ? entries.filter(({ short }) => short.length > 0) : entries.filter((entry) => entry.group === group);
  const names = members.map(
    ({ names, short, summary }) => [(group === '' ? short[0] : names[0]) ?? '', summary] as const,
  );
  const single = names.filter(([name]) => !name.includes(' '));
  return { candidates: [...single, ...groupsWithin(group)], files: false };
}

async function offerAfterEquals(cli: Cli, flags: FlagSet, typed: string): Promise<Offer> {
  const [name] = cut(typed, '=');
  const flag = flags[name.slice(2)];
  if (!flag) return nothing;
  const { candidates } = await offerValue(cli, flag);
  return {
    candidates: candidates.map(([value, description]) => [`${name}=${value}`, description] as const),
    files: false,
  };
}

function offerValue(cli: Cli, flag: Flag<unknown>): Promise<Offer> {
  return offerKind(cli, flag.complete ?? 'file');
}

async function offerKind(cli: Cli, kind: CompletionKind): Promise<Offer> {
  if (typeof kind === 'object') return values(kind);
  switch (kind) {
    case 'none':
      return nothing;
    case 'file':
      return { candidates: [], files: true };
    case 'environment':
      return values(cli.environment.names());
    case 'platform':
      return values([
        'linux/amd64',
        'linux/arm64',
        'linux/arm/v7',
        'linux/386',
        'linux/ppc64le',
        'linux/riscv64',
        'linux/s390x',
      ]);
    case 'context':
      return values(['default', ...(await listContexts(cli.configDirectory)).map(({ Name }) => Name)]);
    case 'container':
    case 'running-container':
    case 'image':
    case 'network':
    case 'volume':
    case 'build':
      return { candidates: await askDaemon(cli, kind), files: false };
  }
}

function values(list: readonly string[]): Offer {
  return { candidates: list.map((value) => [value, ''] as const), files: false };
}

type DaemonKind = 'container' | 'running-container' | 'image' | 'network' | 'volume' | 'build';

// A shell that waits at the tab key is worse than one that knows no names: errors offer nothing.
async function askDaemon(cli: Cli, kind: DaemonKind): Promise<(readonly [string, string])[]> {
  try {
    const client = await cli.client();
    const signal = AbortSignal.timeout(2000);
    switch (kind) {
      case 'container':
      case 'running-container': {
        const query = { all: kind === 'container' || undefined };
        const containers = await client.json<ContainerSummary[]>('GET', '/containers/json', { query, signal });
        return containers.map(({ Names, Image }) => [(Names[0] ?? '').replace(/^\//, ''), Image] as const);
      }
      case 'image': {
        const images = await client.json<ImageSummary[]>('GET', '/images/json', { signal });
        return images.flatMap(({ RepoTags }) => (RepoTags ?? []).map((tag) => [tag, ''] as const));
      }
      case 'network': {
        const networks = await client.json<NetworkInspect[]>('GET', '/networks', { signal });
        return networks.map(({ Name, Driver }) => [Name, Driver] as const);
      }
      case 'volume': {
        const { Volumes } = await client.json<VolumeList>('GET', '/volumes', { signal });
        return (Volumes ?? []).map(({ Name }) => [Name, ''] as const);
      }
      case 'build': {
        const builds = await client.json<BuildRecordSummary[]>('GET', '/build/history', { signal });
        return builds.map(({ Ref, Name, Status }) => [Ref, `${Name} ${Status}`.trim()] as const);
      }
    }
  } catch {
    return [];
  }
}
