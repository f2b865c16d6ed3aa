const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface EnvironmentInput {
  readonly hostname: string;
  readonly tty: boolean;
  /** Of --link, in front of the container's own. */
  readonly linked?: readonly string[];
  /** `NAME=value`, or `NAME` to remove one. */
  readonly own: readonly string[] | null;
  readonly home: string;
}

/** The container's environment, in Docker's order; HOME comes last, as the runtimes add it. */
export function createEnvironment({ hostname, tty, linked, own, home }: EnvironmentInput): string[] {
  const base = [`PATH=${defaultPath}`, `HOSTNAME=${hostname}`, ...(tty ? ['TERM=xterm'] : []), ...(linked ?? [])];
  const merged = overrideEnvironment(base, own ?? []);
  return merged.some((entry) => entry.startsWith('HOME=')) ? merged : [...merged, `HOME=${home}`];
}

/** An exec's: the container's, overridden by the exec's own. */
export function createExecEnvironment(container: EnvironmentInput, own: readonly string[] | null): string[] {
  return overrideEnvironment(createEnvironment(container), own ?? []);
}

/** Overrides keep the place of what they replace; an entry without `=` removes. */
function overrideEnvironment(base: readonly string[], overrides: readonly string[]): string[] {
  const merged = new Map(base.map((entry) => [variableName(entry), entry]));
  for (const entry of overrides) {
    if (entry.includes('=')) merged.set(variableName(entry), entry);
    else merged.delete(entry);
  }
  return [...merged.values()];
}

function variableName(entry: string): string {
  return entry.slice(0, entry.indexOf('='));
}
