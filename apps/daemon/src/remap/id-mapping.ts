import { invalidArgument } from '@wharf/base/error';
import type { IdMapping, IdRange } from '@wharf/base/id-mapping';
import type { Account, AccountFiles, SubordinateRange } from './account-files.ts';

/** The user that `userns-remap: default` stands for: Docker's, so that hosts that had it go on with its ids. */
export const defaultRemapUser = 'dockremap';

/**
 * Whom containers' users are on the host by `userns-remap`, as `user`, `user:group`, numbers or `default`; undefined
 * where that is root, who is nobody else. Throws invalid_argument in Docker's words.
 */
export function readIdMapping(setting: string, accounts: AccountFiles): IdMapping | undefined {
  const { user, group } = parseRemappedRoot(setting, accounts);
  if (user.name === 'root') return undefined;
  // Ids of groups are set aside for users, too: subgid(5).
  return {
    uids: rangesOf(accounts.subordinate('subuid', user), `no subuid ranges found for user ${quote(user.name)}`),
    gids: rangesOf(
      firstFound(accounts.subordinate('subgid', user), () => accounts.subordinate('subgid', group)),
      `no subgid ranges found for user ${quote(user.name)}`,
    ),
  };
}

function firstFound<T>(found: T[], otherwise: () => T[]): T[] {
  return found.length > 0 ? found : otherwise();
}

function parseRemappedRoot(setting: string, accounts: AccountFiles): { user: Account; group: Account } {
  const [userPart = '', groupPart, ...more] = setting.split(':');
  if (more.length > 0) {
    throw invalidArgument(`invalid user/group specification in --userns-remap: ${quote(setting)}`);
  }
  const user = findUser(userPart === 'default' ? defaultRemapUser : userPart, accounts);
  return { user, group: findGroup(groupPart, userPart, user, accounts) };
}

function findUser(text: string, accounts: AccountFiles): Account {
  const isNumber = /^\d+$/.test(text);
  const user = accounts.user(isNumber ? Number(text) : text);
  if (user) return user;
  if (isNumber) throw invalidArgument(`uid ${text} has no entry in /etc/passwd: no matching entries in passwd file`);
  throw invalidArgument(`error during uid lookup for ${quote(text)}: no matching entries in passwd file`);
}

/** That of the user's own name or number where none is given. */
function findGroup(text: string | undefined, userText: string, user: Account, accounts: AccountFiles): Account {
  const wanted = text ?? (/^\d+$/.test(userText) ? userText : user.name);
  const isNumber = /^\d+$/.test(wanted);
  const group = accounts.group(isNumber ? Number(wanted) : wanted);
  if (group) return group;
  if (isNumber) throw invalidArgument(`gid ${wanted} has no entry in /etc/group: no matching entries in group file`);
  throw invalidArgument(`error during gid lookup for ${quote(wanted)}: no matching entries in group file`);
}

/** Ids inside follow one another, from root on. */
function rangesOf(found: readonly SubordinateRange[], missing: string): IdRange[] {
  if (found.length === 0) throw invalidArgument(`Can't create ID mappings: ${missing}`);
  let inside = 0;
  return found.map(({ start, size }) => {
    const range = { inside, outside: start, size };
    inside += size;
    return range;
  });
}

function quote(text: string): string {
  return JSON.stringify(text);
}
