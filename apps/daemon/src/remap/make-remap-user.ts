import { execFileSync } from 'node:child_process';
import { EngineError } from '@wharf/base/error';
import type { AccountFiles } from './account-files.ts';
import { defaultRemapUser } from './id-mapping.ts';

const rangeSize = 65_536;

/** The user and group of `userns-remap: default`, and ids of their own, made where they are missing. */
export function makeRemapUser(accounts: AccountFiles): void {
  if (!accounts.user(defaultRemapUser)) {
    run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false', defaultRemapUser]);
  }
  const user = accounts.user(defaultRemapUser);
  if (!user) throw failed('it is in no passwd file afterwards');
  if (accounts.subordinate('subuid', user).length === 0) {
    run('usermod', ['--add-subuids', range(accounts.free('subuid')), defaultRemapUser]);
  }
  if (accounts.subordinate('subgid', user).length === 0) {
    run('usermod', ['--add-subgids', range(accounts.free('subgid')), defaultRemapUser]);
  }
}

function range(start: number): string {
  return `${start}-${start + rangeSize - 1}`;
}

function run(program: string, args: readonly string[]): void {
  try {
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw failed(stderr?.trim() || message, error);
  }
}

function failed(why: string, cause?: unknown): EngineError {
  return new EngineError('internal', `error during "${defaultRemapUser}" user creation: ${why}`, { cause });
}
