import { ExitError } from '../exit-error.ts';

/** Throws for a builder that there is none of. */
export function requireDefaultBuilder(name: string): void {
  if (['', 'default'].includes(name)) return;
  throw new ExitError(1, `ERROR: no builder ${JSON.stringify(name)} found: the daemon builds, as "default"`);
}
