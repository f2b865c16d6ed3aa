import { createHash } from 'node:crypto';
import type { ExecOp, FileAction, FileOp, Mount, Op } from '../pb/llb_pb.ts';
import { CacheSharingOpt, MountType, NetMode, SecurityMode } from '../pb/llb_pb.ts';

/** What an operation says, by names that people know, so that two can be compared. Values of variables are hashes. */
export function stepFacts({ op, platform }: Op): Record<string, string> {
  const facts = new Map<string, string>();
  if (platform) facts.set('platform', [platform.OS, platform.Architecture, platform.Variant].filter(Boolean).join('/'));
  if (op.case === 'exec') describeExec(op.value, facts);
  if (op.case === 'file') describeFile(op.value, facts);
  return Object.fromEntries(facts);
}

function describeExec({ meta, mounts, network, security, secretenv }: ExecOp, facts: Map<string, string>): void {
  facts.set('command', JSON.stringify(meta?.args ?? []));
  for (const variable of meta?.env ?? []) {
    const at = variable.indexOf('=');
    facts.set(`env ${at < 0 ? variable : variable.slice(0, at)}`, hashOf(at < 0 ? '' : variable.slice(at + 1)));
  }
  facts.set('workdir', meta?.cwd ?? '');
  facts.set('user', meta?.user ?? '');
  if (meta?.hostname) facts.set('hostname', meta.hostname);
  for (const { Host, IP } of meta?.extraHosts ?? []) facts.set(`host ${Host}`, IP);
  for (const { Name, Soft, Hard } of meta?.ulimit ?? []) facts.set(`ulimit ${Name}`, `${Soft}:${Hard}`);
  if (network !== NetMode.UNSET) facts.set('network', network === NetMode.NONE ? 'none' : 'host');
  if (security === SecurityMode.INSECURE) facts.set('security', 'insecure');
  for (const { ID, name } of secretenv) facts.set(`secret ${ID}`, name);
  for (const mount of mounts) if (mount.dest !== '/') facts.set(`mount ${mount.dest}`, describeMount(mount));
}

const kinds: Readonly<Partial<Record<MountType, string>>> = {
  [MountType.BIND]: 'bind',
  [MountType.CACHE]: 'cache',
  [MountType.TMPFS]: 'tmpfs',
  [MountType.SECRET]: 'secret',
  [MountType.SSH]: 'ssh',
};

const sharings = {
  [CacheSharingOpt.SHARED]: 'shared',
  [CacheSharingOpt.PRIVATE]: 'private',
  [CacheSharingOpt.LOCKED]: 'locked',
} as const;

function describeMount({ mountType, selector, readonly, cacheOpt, secretOpt, SSHOpt, TmpfsOpt }: Mount): string {
  const words = [kinds[mountType] ?? String(mountType), selector, readonly ? 'readonly' : ''];
  if (cacheOpt)
    words.push(`id=${cacheOpt.ID}`, `sharing=${sharings[cacheOpt.sharing as keyof typeof sharings] ?? 'shared'}`);
  if (TmpfsOpt) words.push(`size=${TmpfsOpt.size}`);
  for (const key of [secretOpt, SSHOpt]) if (key) words.push(`id=${key.ID}`, `mode=${key.mode.toString(8)}`);
  return words.filter((word) => word !== '').join(' ');
}

function describeFile({ actions }: FileOp, facts: Map<string, string>): void {
  for (const [index, action] of actions.entries()) {
    facts.set(actions.length === 1 ? 'command' : `action ${index + 1}`, describeAction(action));
  }
}

function describeAction({ action }: FileAction): string {
  switch (action.case) {
    case 'copy': {
      const { src, dest, owner, mode, modeStr, includePatterns, excludePatterns, ...rest } = action.value;
      const options = {
        owner: ownerText(owner),
        mode: modeStr || mode,
        includePatterns,
        excludePatterns,
        followSymlink: rest.followSymlink,
        parents: rest.createDestPath,
        contents: rest.dirCopyContents,
        unpack: rest.attemptUnpackDockerCompatibility,
        timestamp: String(rest.timestamp),
      };
      return `copy ${src} ${dest} ${JSON.stringify(options)}`;
    }
    case 'mkfile': {
      const { path, mode, data, owner } = action.value;
      return `mkfile ${path} ${mode.toString(8)} ${ownerText(owner)} ${hashOf(data)}`;
    }
    case 'mkdir':
      return `mkdir ${action.value.path} ${action.value.mode.toString(8)} ${ownerText(action.value.owner)}`;
    case 'rm':
      return `rm ${action.value.path}`;
    case 'symlink':
      return `symlink ${action.value.oldpath} ${action.value.newpath}`;
    case undefined:
      return '';
  }
}

type Owner = Extract<FileAction['action'], { case: 'copy' }>['value']['owner'];

function ownerText(owner: Owner): string {
  const parts = [owner?.user, owner?.group].map((option) => {
    if (option?.user.case === 'byID') return String(option.user.value);
    return option?.user.case === 'byName' ? option.user.value.name : '';
  });
  return parts.join(':');
}

/** Enough to tell two values apart. */
function hashOf(value: string | Uint8Array): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 16);
}
