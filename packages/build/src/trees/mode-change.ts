import { invalidArgument } from '@wharf/base/error';

/** Gives a file its new permissions. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

const read = 0o444;
const write = 0o222;
const execute = 0o111;
const who = { u: 0o700, g: 0o070, o: 0o007 } as const;

/**
 * chmod(1)'s modes: `0755`, `u=rwX,go=rX`, `+x`, `g-w,o=u`. There is no umask. Throws invalid_argument.
 */
export function parseModeChange(text: string): ModeChange {
  if (/^[0-7]+$/.test(text)) {
    const mode = Number.parseInt(text, 8);
    if (mode > 0o7777) throw badMode(text);
    return () => mode;
  }
  const clauses = text.split(',').map((clause) => parseClause(clause, text));
  return (mode, isDirectory) => clauses.reduce((changed, apply) => apply(changed, isDirectory), mode);
}

function parseClause(clause: string, whole: string): ModeChange {
  const match = /^([ugoa]*)((?:[-+=](?:[ugo]|[rwxXst]*))+)$/.exec(clause);
  if (!match) throw badMode(whole);
  const names = match[1] === '' || match[1]!.includes('a') ? 'ugo' : match[1]!;
  const classes = [...new Set(names)].reduce((bits, name) => bits | who[name as keyof typeof who], 0);
  const steps = [...match[2]!.matchAll(/([-+=])([ugo]|[rwxXst]*)/g)].map(([, operator = '', permissions = '']) => ({
    operator,
    permissions,
  }));
  return (mode, isDirectory) =>
    steps.reduce((changed, { operator, permissions }) => {
      const bits = bitsOf(permissions, changed, isDirectory, classes);
      if (operator === '+') return changed | bits;
      if (operator === '-') return changed & ~bits;
      return (changed & ~(classes | specialOf(classes))) | bits;
    }, mode);
}

function bitsOf(permissions: string, mode: number, isDirectory: boolean, classes: number): number {
  if (/^[ugo]$/.test(permissions)) return spread(mode, permissions as keyof typeof who) & classes;
  let bits = 0;
  for (const letter of permissions) {
    if (letter === 'r') bits |= read & classes;
    else if (letter === 'w') bits |= write & classes;
    else if (letter === 'x' || (letter === 'X' && (isDirectory || (mode & execute) !== 0))) bits |= execute & classes;
    else if (letter === 's') bits |= specialOf(classes) & 0o6000;
    else if (letter === 't') bits |= 0o1000;
  }
  return bits;
}

function specialOf(classes: number): number {
  return ((classes & who.u) !== 0 ? 0o4000 : 0) | ((classes & who.g) !== 0 ? 0o2000 : 0);
}

/** One class's permissions for all three. */
function spread(mode: number, name: keyof typeof who): number {
  const shift = { u: 6, g: 3, o: 0 }[name];
  const bits = (mode >> shift) & 7;
  return (bits << 6) | (bits << 3) | bits;
}

function badMode(text: string): Error {
  return invalidArgument(`invalid chmod parameter: '${text}'`);
}
