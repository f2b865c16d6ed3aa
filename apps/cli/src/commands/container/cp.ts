import { lstatSync, statSync } from 'node:fs';
import { posix, resolve } from 'node:path';
import type { ApiClient } from '@wharf/api/client/api-client';
import type { PathStat } from '@wharf/api/container-files';
import type { Cli } from '../../cli.ts';
import {
  type CopyDestination,
  type CopyPlan,
  planCopy,
  renameMember,
  splitArgument,
  splitEntry,
} from '../../copy/plan-copy.ts';
import { archiveLocal } from '../../copy/read-local.ts';
import { unpackLocal } from '../../copy/write-local.ts';
import { ExitError } from '../../exit-error.ts';
import { bool, isChanged } from '../../flags/flag.ts';
import { humanSize } from '../../format/units.ts';
import { isTerminal } from '../../terminal/terminal.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';

interface Copy {
  readonly container: string;
  readonly source: string;
  readonly destination: string;
  readonly follow: boolean;
  readonly archive: boolean;
}

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\twharf cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH',
  args: exactly(2),
  complete: ['container', 'container'],
  details: "Use '-' to read a tar archive from standard input, or to write one to standard output.",
  flags: {
    archive: bool("Give files to the container's user", { short: 'a' }),
    'follow-link': bool('Copy what a link in SRC_PATH leads to', { short: 'L' }),
    quiet: bool('Do not say what was copied', { short: 'q' }),
  },
  async run(cli, flags, [from = '', to = '']) {
    const source = splitArgument(from);
    const destination = splitArgument(to);
    if (source.path === '') throw new ExitError(1, 'source can not be empty');
    if (destination.path === '') throw new ExitError(1, 'destination can not be empty');
    if (source.container !== '' && destination.container !== '') {
      throw new ExitError(1, 'copying between containers is not supported');
    }
    const copy = {
      container: source.container || destination.container,
      source: source.path,
      destination: destination.path,
      follow: flags['follow-link'],
      archive: flags.archive,
    };
    if (copy.container === '') throw new ExitError(1, 'must specify at least one container source');
    const isQuiet = isChanged(flags, 'quiet') ? flags.quiet : !isTerminal(1);
    const bytes = source.container !== '' ? await copyOut(cli, copy) : await copyIn(cli, copy);
    if (bytes === undefined || isQuiet) return;
    const target = source.container !== '' ? resolve(copy.destination) : to;
    cli.err.print(`Successfully copied ${humanSize(bytes, 3)} to ${target}\n`);
  },
});

/** Answers the bytes of files, or undefined where an archive was written. */
async function copyOut(cli: Cli, { container, source, destination, follow }: Copy): Promise<number | undefined> {
  const client = await cli.client();
  const local = destination === '-' ? undefined : localDestination(destination);
  const path = follow ? await followLink(client, container, source) : source;
  const { headers, body } = await client.request('GET', archivePath(container), { query: { path } });
  if (!local) {
    for await (const chunk of body) await cli.out.write(chunk);
    return undefined;
  }
  const isDirectory = isGoDirectory(decodeStat(headers));
  const plan = planned({ path: source, isDirectory }, local);
  // The archive is named after what the link led to, and the copy after the link.
  const [theirs, ours] = [splitEntry(path).base, plan.rename?.to ?? splitEntry(source).base];
  const rename = { from: toBytes(theirs), to: toBytes(ours) };
  return unpackLocal(body, plan.directory, (name) => renameMember(name, rename));
}

async function copyIn(
  cli: Cli,
  { container, source, destination, follow, archive }: Copy,
): Promise<number | undefined> {
  const client = await cli.client();
  const there = await containerDestination(client, container, destination);
  const send = (directory: string, body: AsyncIterable<Uint8Array>) =>
    client.call('PUT', archivePath(container), {
      query: { path: directory, noOverwriteDirNonDir: 'true', copyUIDGID: archive ? 'true' : undefined },
      body,
    });
  if (source === '-') {
    if (!there.isDirectory) throw new ExitError(1, `destination "${container}:${destination}" must be a directory`);
    await send(there.path, Bun.stdin.stream());
    return undefined;
  }
  const path = localPath(source);
  const isDirectory = statLocal(path, follow || source.endsWith('/')).isDirectory();
  const plan = planned({ path, isDirectory }, there);
  let bytes = 0;
  const name = plan.rename?.to ?? splitEntry(path).base;
  await send(
    plan.directory,
    counted(archiveLocal(path, name, follow || source.endsWith('/')), (count) => {
      bytes += count;
    }),
  );
  return bytes;
}

async function* counted(chunks: AsyncIterable<Uint8Array>, count: (bytes: number) => void) {
  for await (const chunk of chunks) {
    count(chunk.length);
    yield chunk;
  }
}

function planned(source: Parameters<typeof planCopy>[0], destination: CopyDestination): CopyPlan {
  try {
    return planCopy(source, destination);
  } catch (error) {
    throw new ExitError(1, (error as Error).message);
  }
}

function archivePath(container: string): string {
  return `/containers/${segment(container)}/archive`;
}

async function statContainer(client: ApiClient, container: string, path: string): Promise<PathStat | undefined> {
  try {
    const { headers, body } = await client.request('HEAD', archivePath(container), { query: { path } });
    for await (const _ of body);
    return decodeStat(headers);
  } catch {
    // As docker: the parent may exist, and the copy itself says what is wrong.
    return undefined;
  }
}

async function containerDestination(client: ApiClient, container: string, path: string): Promise<CopyDestination> {
  let found = await statContainer(client, container, path);
  let place = path;
  if (found && isGoLink(found)) {
    place = posix.resolve('/', posix.dirname(path), found.linkTarget);
    found = await statContainer(client, container, place);
  }
  return { path: place, exists: found !== undefined, isDirectory: found !== undefined && isGoDirectory(found) };
}

async function followLink(client: ApiClient, container: string, path: string): Promise<string> {
  const found = await statContainer(client, container, path);
  return found && isGoLink(found) ? posix.resolve('/', posix.dirname(path), found.linkTarget) : path;
}

function decodeStat(headers: ReadonlyMap<string, string>): PathStat {
  const header = headers.get('x-docker-container-path-stat');
  if (header === undefined) throw new ExitError(1, 'unable to decode container path stat header: EOF');
  return JSON.parse(Buffer.from(header, 'base64').toString()) as PathStat;
}

// Go's os.FileMode: the highest bit is a directory, bit 27 a symbolic link.
function isGoDirectory({ mode }: PathStat): boolean {
  return mode >= 2 ** 31;
}

function isGoLink({ mode }: PathStat): boolean {
  return Math.floor(mode / 2 ** 27) % 2 === 1;
}

function localDestination(path: string): CopyDestination {
  const place = localPath(path);
  const stat = statSync(place, { throwIfNoEntry: false });
  if (stat && !stat.isDirectory() && !stat.isFile()) {
    throw new ExitError(1, `invalid output path: "${place}" must be a directory or a regular file`);
  }
  const { directory } = splitEntry(place);
  if (!stat && !statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ExitError(1, `invalid output path: directory "${directory}" does not exist`);
  }
  return { path: place, exists: stat !== undefined, isDirectory: stat?.isDirectory() ?? false };
}

/** Absolute, with the slash or the dot that the user ended it with. */
function localPath(path: string): string {
  const absolute = resolve(path);
  if (path === '.' || path.endsWith('/.')) return `${absolute}/.`;
  return path.endsWith('/') ? `${absolute}/` : absolute;
}

function statLocal(path: string, follow: boolean) {
  const stat = follow ? statSync(path, { throwIfNoEntry: false }) : lstatSync(path, { throwIfNoEntry: false });
  if (!stat) throw new ExitError(1, `lstat ${path.replace(/\/+$/, '')}: no such file or directory`);
  return stat;
}

function toBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}
