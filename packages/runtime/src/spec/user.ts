import { EngineError } from '@wharf/base/error';

/** Who the container's process is; `home` is where HOME points unless the image says otherwise. */
export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  readonly additionalGids: readonly number[];
  readonly home: string;
}

/** The image's own files, read inside its root; undefined where one is missing. */
export interface RootFiles {
  read(path: string): Buffer | undefined;
}

/**
 * `user`, `uid`, `user:group` and numbers, looked up in the image's /etc/passwd and /etc/group; an empty user is
 * root. `groupAdd` is HostConfig's. Numbers need no entry, names do: `unable to find user x: no matching entries in
 * passwd file`.
 */
export function resolveUser(files: RootFiles, user: string, groupAdd: readonly string[] | null): ResolvedUser {
  const colon = user.indexOf(':');
  const userName = colon < 0 ? user : user.slice(0, colon);
  const groupName = colon < 0 ? '' : user.slice(colon + 1);
  const entry = findUser(files, userName);
  const groups = lazy(() => parseGroups(files.read('etc/group')));
  const gid = groupName === '' ? entry.gid : findGroup(groups(), groupName);
  const member = groupName === '' ? groups().filter(({ members }) => members.includes(entry.name)) : [];
  const added = (groupAdd ?? []).map((name) => findAddedGroup(groups(), name));
  return {
    uid: entry.uid,
    gid,
    additionalGids: [...new Set([gid, ...member.map((group) => group.gid), ...added])],
    home: entry.home,
  };
}

interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** A number is always an id, whoever has it for a name in the image: CVE-2016-3697. */
function findUser(files: RootFiles, name: string): PasswdEntry {
  const uid = parseId(name === '' ? '0' : name);
  const found = parsePasswd(files.read('etc/passwd')).find((entry) =>
    uid === undefined ? entry.name === name : entry.uid === uid,
  );
  if (found) return found;
  if (uid === undefined) {
    throw new EngineError('internal', `unable to find user ${name}: no matching entries in passwd file`);
  }
  return { name, uid: inRange(uid), gid: 0, home: '/' };
}

function findGroup(groups: readonly GroupEntry[], name: string): number {
  const gid = parseId(name);
  const found = groups.find((entry) => (gid === undefined ? entry.name === name : entry.gid === gid));
  if (found) return found.gid;
  if (gid === undefined) {
    throw new EngineError('internal', `unable to find group ${name}: no matching entries in group file`);
  }
  return inRange(gid);
}

function findAddedGroup(groups: readonly GroupEntry[], name: string): number {
  const found = groups.find((entry) => entry.name === name);
  if (found) return found.gid;
  const gid = parseId(name);
  if (gid === undefined) {
    throw new EngineError('internal', `Unable to find group ${name}: no matching entries in group file`);
  }
  return inRange(gid);
}

function parseId(text: string): number | undefined {
  return /^[+-]?\d+$/.test(text) ? Number(text) : undefined;
}

function inRange(id: number): number {
  if (id < 0 || id > 0x7fffffff) {
    throw new EngineError('internal', 'uids and gids must be in range 0-2147483647');
  }
  return id;
}

/** passwd(5): name:password:UID:GID:GECOS:directory:shell */
function parsePasswd(bytes: Buffer | undefined): PasswdEntry[] {
  return parseTable(bytes).map(([name = '', , uid = '', gid = '', , home = '']) => ({
    name,
    uid: Number.parseInt(uid, 10) || 0,
    gid: Number.parseInt(gid, 10) || 0,
    home: home === '' ? '/' : home,
  }));
}

/** group(5): name:password:GID:member,member */
function parseGroups(bytes: Buffer | undefined): GroupEntry[] {
  return parseTable(bytes).map(([name = '', , gid = '', members = '']) => ({
    name,
    gid: Number.parseInt(gid, 10) || 0,
    members: members.split(','),
  }));
}

function parseTable(bytes: Buffer | undefined): string[][] {
  if (!bytes) return [];
  return bytes
    .toString()
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#') && line.includes(':'))
    .map((line) => line.split(':'));
}

function lazy<T>(make: () => T): () => T {
  let value: { readonly made: T } | undefined;
  return () => {
    value ??= { made: make() };
    return value.made;
  };
}
