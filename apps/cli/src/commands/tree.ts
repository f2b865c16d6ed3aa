import { existsSync } from 'node:fs';
import type { Command } from './command.ts';

/** A command's place: names in its group, and names without the group. */
export interface Entry {
  /** '' for a command of no group. */
  readonly group: string;
  /** The first is the one that help shows. */
  readonly names: readonly string[];
  readonly short: readonly string[];
  readonly summary: string;
  /** Shown among the common commands, in this order. */
  readonly common?: number;
  // biome-ignore lint/suspicious/noExplicitAny: commands with flags of unlike types
  load(): Promise<Command<any>>;
}

export const groups: Readonly<Record<string, string>> = {
  builder: 'Manage builds',
  'builder history': 'Look at builds that were',
  buildx: 'Build images, as docker buildx does',
  'buildx history': 'Look at builds that were',
  checkpoint: 'Manage checkpoints of containers',
  container: 'Manage containers',
  context: 'Manage contexts',
  image: 'Manage images',
  manifest: 'Manage manifests and lists of them in registries',
  network: 'Manage networks',
  plugin: 'Manage plugins that the daemon runs itself',
  system: 'Manage the daemon',
  volume: 'Manage volumes',
};

type Options = { readonly short?: readonly string[]; readonly common?: number };

function entry(path: string, summary: string, load: Entry['load'], { short = [], common }: Options = {}): Entry {
  const words = path.split(' ');
  const depth = depthOf(words);
  const [group, names] = [words.slice(0, depth).join(' '), words.slice(depth)];
  return { group, names, short, summary, load, ...(common === undefined ? {} : { common }) };
}

/** Words that name a group: `builder history` is one of its own. */
function depthOf([first = '', second = '']: readonly string[]): number {
  if (Object.hasOwn(groups, `${first} ${second}`)) return 2;
  return Object.hasOwn(groups, first) ? 1 : 0;
}

function topLevel(name: string, summary: string, load: Entry['load'], common?: number): Entry {
  return { group: '', names: [name], short: [name], summary, load, ...(common === undefined ? {} : { common }) };
}

/** Both groups have the same commands: docker's own, and its plugin's. */
function builderEntries(group: string): Entry[] {
  return [
    entry(
      `${group} build b`,
      'Build an image from a Dockerfile',
      async () => (await import('./image/build.ts')).command,
    ),
    entry(`${group} bake f`, 'Build the targets of a file', async () => (await import('./builder/bake.ts')).command),
    entry(`${group} du`, 'Show what builds keep', async () => (await import('./builder/du.ts')).command),
    entry(
      `${group} history inspect`,
      'Show what a build was made of, and how it went',
      async () => (await import('./builder/history/inspect.ts')).command,
    ),
    entry(
      `${group} history logs`,
      'Print what a build has shown',
      async () => (await import('./builder/history/logs.ts')).command,
    ),
    entry(`${group} history ls`, 'List builds', async () => (await import('./builder/history/ls.ts')).command),
    entry(
      `${group} history rm`,
      'Remove records of builds',
      async () => (await import('./builder/history/rm.ts')).command,
    ),
    entry(`${group} inspect`, 'Show the builder', async () => (await import('./builder/inspect.ts')).command),
    entry(`${group} ls`, 'List builders', async () => (await import('./builder/ls.ts')).command),
    entry(`${group} prune`, 'Remove what builds keep', async () => (await import('./builder/prune.ts')).command),
  ];
}

/** Every command there is. A command's file is read only when it runs. */
export const entries: readonly Entry[] = [
  ...builderEntries('builder'),
  ...builderEntries('buildx'),
  entry(
    'builder explain',
    'Say for each step of a build why it was cached or not',
    async () => (await import('./builder/explain.ts')).command,
    { short: ['build explain'] },
  ),
  entry(
    'checkpoint create',
    'Keep the state of a running container',
    async () => (await import('./checkpoint/create.ts')).command,
  ),
  entry(
    'checkpoint ls list',
    "List a container's checkpoints",
    async () => (await import('./checkpoint/ls.ts')).command,
  ),
  entry('checkpoint rm remove', 'Remove a checkpoint', async () => (await import('./checkpoint/rm.ts')).command),
  entry(
    'container attach',
    'Connect your terminal to a running container',
    async () => (await import('./container/attach.ts')).command,
    { short: ['attach'] },
  ),
  entry(
    'container commit',
    'Make an image of what a container has changed',
    async () => (await import('./container/commit.ts')).command,
    { short: ['commit'] },
  ),
  entry(
    'container cp',
    'Copy files between a container and this machine',
    async () => (await import('./container/cp.ts')).command,
    { short: ['cp'] },
  ),
  entry(
    'container create',
    'Make a container without starting it',
    async () => (await import('./container/create.ts')).command,
    { short: ['create'] },
  ),
  entry(
    'container diff',
    'Show what a container has changed of its image',
    async () => (await import('./container/diff.ts')).command,
    { short: ['diff'] },
  ),
  entry(
    'container exec',
    'Run a command inside a running container',
    async () => (await import('./container/exec.ts')).command,
    { short: ['exec'], common: 2 },
  ),
  entry(
    'container export',
    "Write a container's file system to an archive",
    async () => (await import('./container/export.ts')).command,
    { short: ['export'] },
  ),
  entry(
    'container inspect',
    'Show everything known about containers',
    async () => (await import('./container/inspect.ts')).command,
  ),
  entry(
    'container kill',
    'Send a signal to running containers',
    async () => (await import('./container/kill.ts')).command,
    { short: ['kill'] },
  ),
  entry(
    'container logs',
    'Show what a container has written',
    async () => (await import('./container/logs.ts')).command,
    { short: ['logs'] },
  ),
  entry('container ls list ps', 'List containers', async () => (await import('./container/ls.ts')).command, {
    short: ['ps'],
    common: 3,
  }),
  entry(
    'container pause',
    'Freeze all processes of containers',
    async () => (await import('./container/pause.ts')).pause,
    { short: ['pause'] },
  ),
  entry(
    'container port',
    "Show a container's published ports",
    async () => (await import('./container/port.ts')).command,
    { short: ['port'] },
  ),
  entry('container prune', 'Remove all stopped containers', async () => (await import('./container/prune.ts')).command),
  entry(
    'container rename',
    'Give a container another name',
    async () => (await import('./container/rename.ts')).command,
    { short: ['rename'] },
  ),
  entry(
    'container restart',
    'Stop containers and start them again',
    async () => (await import('./container/stop.ts')).restart,
    { short: ['restart'] },
  ),
  entry('container rm remove', 'Remove containers', async () => (await import('./container/rm.ts')).command, {
    short: ['rm'],
  }),
  entry(
    'container run',
    'Make a container from an image and run it',
    async () => (await import('./container/run.ts')).command,
    { short: ['run'], common: 1 },
  ),
  entry('container start', 'Start stopped containers', async () => (await import('./container/start.ts')).command, {
    short: ['start'],
  }),
  entry(
    'container stats',
    'Show what containers use, as it changes',
    async () => (await import('./container/stats.ts')).command,
    { short: ['stats'] },
  ),
  entry('container stop', 'Stop running containers', async () => (await import('./container/stop.ts')).stop, {
    short: ['stop'],
  }),
  entry(
    'container top',
    'List the processes of a container',
    async () => (await import('./container/top.ts')).command,
    { short: ['top'] },
  ),
  entry(
    'container unpause',
    'Let frozen containers go on',
    async () => (await import('./container/pause.ts')).unpause,
    { short: ['unpause'] },
  ),
  entry(
    'container update',
    'Change limits and restart policies of containers',
    async () => (await import('./container/update.ts')).command,
    { short: ['update'] },
  ),
  entry(
    'container wait',
    'Wait until containers stop, then print their exit codes',
    async () => (await import('./container/wait.ts')).command,
    { short: ['wait'] },
  ),
  entry('context create', 'Create a context', async () => (await import('./context/create.ts')).command),
  entry(
    'context inspect',
    'Show everything known about contexts',
    async () => (await import('./context/inspect.ts')).command,
  ),
  entry('context ls list', 'List contexts', async () => (await import('./context/ls.ts')).command),
  entry('context rm remove', 'Remove contexts', async () => (await import('./context/rm.ts')).command),
  entry(
    'context show',
    'Print the name of the context in use',
    async () => (await import('./context/show.ts')).command,
  ),
  entry('context update', 'Change a context', async () => (await import('./context/update.ts')).command),
  entry(
    'context use',
    'Choose the context that later commands use',
    async () => (await import('./context/use.ts')).command,
  ),
  entry(
    'image bootstrap',
    "Make a base image from a distribution's own packages",
    async () => (await import('./image/bootstrap.ts')).command,
  ),
  entry('image build', 'Build an image from a Dockerfile', async () => (await import('./image/build.ts')).command, {
    short: ['build'],
    common: 3,
  }),
  entry(
    'image history',
    "Show an image's layers and what made them",
    async () => (await import('./image/history.ts')).command,
    { short: ['history'] },
  ),
  entry(
    'image import',
    'Make an image from a tarball of a file system',
    async () => (await import('./image/import.ts')).command,
    { short: ['import'] },
  ),
  entry(
    'image inspect',
    'Show everything known about images',
    async () => (await import('./image/inspect.ts')).command,
  ),
  entry('image load', 'Load images from an archive', async () => (await import('./image/load.ts')).command, {
    short: ['load'],
  }),
  entry('image ls list', 'List images', async () => (await import('./image/ls.ts')).command, {
    short: ['images'],
    common: 4,
  }),
  entry('image prune', 'Remove unused images', async () => (await import('./image/prune.ts')).command),
  entry('image pull', 'Download an image from a registry', async () => (await import('./image/pull.ts')).command, {
    short: ['pull'],
  }),
  entry('image push', 'Upload an image to a registry', async () => (await import('./image/push.ts')).command, {
    short: ['push'],
  }),
  entry('image rm remove', 'Remove images', async () => (await import('./image/rm.ts')).command, { short: ['rmi'] }),
  entry('image save', 'Write images to an archive', async () => (await import('./image/save.ts')).command, {
    short: ['save'],
  }),
  entry('image tag', 'Give an image one more name', async () => (await import('./image/tag.ts')).command, {
    short: ['tag'],
  }),
  entry(
    'manifest annotate',
    'Say for which platform an image of a list is',
    async () => (await import('./manifest/annotate.ts')).command,
  ),
  entry(
    'manifest create',
    'Begin a list of images for several platforms',
    async () => (await import('./manifest/create.ts')).command,
  ),
  entry(
    'manifest inspect',
    'Show a manifest, or a list of them',
    async () => (await import('./manifest/inspect.ts')).command,
  ),
  entry('manifest push', 'Upload a list to a registry', async () => (await import('./manifest/push.ts')).command),
  entry('manifest rm', 'Forget lists that were begun here', async () => (await import('./manifest/rm.ts')).command),
  entry(
    'network connect',
    'Connect a container to a network',
    async () => (await import('./network/connect.ts')).command,
  ),
  entry('network create', 'Create a network', async () => (await import('./network/create.ts')).command),
  entry(
    'network disconnect',
    'Disconnect a container from a network',
    async () => (await import('./network/disconnect.ts')).command,
  ),
  entry(
    'network inspect',
    'Show everything known about networks',
    async () => (await import('./network/inspect.ts')).command,
  ),
  entry('network ls list', 'List networks', async () => (await import('./network/ls.ts')).command),
  entry('network prune', 'Remove all unused networks', async () => (await import('./network/prune.ts')).command),
  entry('network rm remove', 'Remove networks', async () => (await import('./network/rm.ts')).command),
  entry('system df', 'Show how much disk space is used', async () => (await import('./system/df.ts')).command),
  entry(
    'system events',
    'Show what happens on the daemon, as it happens',
    async () => (await import('./system/events.ts')).command,
    { short: ['events'] },
  ),
  entry('system info', 'Show what the daemon is and has', async () => (await import('./system/info.ts')).command, {
    short: ['info'],
    common: 6,
  }),
  entry('system prune', 'Remove unused data', async () => (await import('./system/prune.ts')).command),
  entry('plugin disable', 'Stop a plugin', async () => (await import('./plugin/disable.ts')).command),
  entry('plugin enable', 'Start a plugin', async () => (await import('./plugin/enable.ts')).command),
  entry(
    'plugin inspect',
    'Show everything known about plugins',
    async () => (await import('./plugin/inspect.ts')).command,
  ),
  entry('plugin ls list', 'List plugins', async () => (await import('./plugin/ls.ts')).command),
  entry('plugin rm remove', 'Remove plugins', async () => (await import('./plugin/rm.ts')).command),
  entry('plugin set', 'Change settings of a plugin', async () => (await import('./plugin/set.ts')).command),
  entry('volume create', 'Create a volume', async () => (await import('./volume/create.ts')).command),
  entry(
    'volume inspect',
    'Show everything known about volumes',
    async () => (await import('./volume/inspect.ts')).command,
  ),
  entry('volume ls list', 'List volumes', async () => (await import('./volume/ls.ts')).command),
  entry('volume prune', 'Remove unused volumes', async () => (await import('./volume/prune.ts')).command),
  entry(
    'volume rm remove',
    'Remove volumes that no container uses',
    async () => (await import('./volume/rm.ts')).command,
  ),
  entry('volume update', 'Change a cluster volume', async () => (await import('./volume/update.ts')).command),
  topLevel(
    'completion',
    'Print the completion script of a shell',
    async () => (await import('./completion.ts')).command,
  ),
  topLevel(
    'inspect',
    'Show everything known about objects of any type',
    async () => (await import('./inspect.ts')).command,
  ),
  topLevel('login', 'Log in to a registry', async () => (await import('./login.ts')).command),
  topLevel('logout', 'Log out from a registry', async () => (await import('./logout.ts')).command),
  topLevel(
    'registry',
    'Serve images to others, and look after them',
    async () => (await import('./registry.ts')).command,
  ),
  topLevel('search', 'Search a registry for images', async () => (await import('./search.ts')).command),
  topLevel('version', 'Show the versions of client and daemon', async () => (await import('./version.ts')).command, 5),
];

/** A command as it was called, or the group whose help is due. */
export type Found =
  | { readonly kind: 'command'; readonly entry: Entry; readonly path: string; readonly rest: readonly string[] }
  | { readonly kind: 'group'; readonly group: string; readonly rest: readonly string[] }
  | { readonly kind: 'unknown'; readonly path: string; readonly group: string };

/** Finds the command that `words` begin with. */
export function findCommand(words: readonly string[]): Found {
  const [first = '', second = ''] = words;
  const depth = depthOf(words);
  if (depth > 0) return findInGroup(words.slice(0, depth).join(' '), words, depth);
  const found = entries.find(({ short }) => short.includes(first));
  const pair = second === '' ? undefined : entries.find(({ short }) => short.includes(`${first} ${second}`));
  // A directory of that name is meant as one.
  if (pair && !existsSync(second)) {
    return { kind: 'command', entry: pair, path: `${first} ${second}`, rest: words.slice(2) };
  }
  if (!found) return { kind: 'unknown', path: first, group: '' };
  return { kind: 'command', entry: found, path: first, rest: words.slice(1) };
}

function findInGroup(group: string, words: readonly string[], depth: number): Found {
  const verb = words[depth] ?? '';
  if (verb === '' || verb.startsWith('-')) return { kind: 'group', group, rest: words.slice(depth) };
  const path = words.slice(0, depth + 1).join(' ');
  const found = entries.find((entry) => entry.group === group && entry.names.includes(verb));
  if (!found) return { kind: 'unknown', path, group };
  return { kind: 'command', entry: found, path, rest: words.slice(depth + 1) };
}

/** Names and summaries of the groups that a group has; '' stands for the client itself. */
export function groupsWithin(outer: string): [name: string, summary: string][] {
  const prefix = outer === '' ? '' : `${outer} `;
  const within = Object.entries(groups).map(([group, summary]): [string, string] => [
    group.startsWith(prefix) ? group.slice(prefix.length) : ' ',
    summary,
  ]);
  return within.filter(([name]) => !name.includes(' '));
}

/** Every way to call a command, for help. */
export function callsOf({ group, names, short }: Entry): string[] {
  return [...(group === '' ? [] : names.map((name) => `${group} ${name}`)), ...short];
}
