/** What we serve truthfully. */
export const newestApiVersion = '1.52';
export const minimumApiVersion = '1.24';

/** A version of the Engine API; compare with `atLeast`. */
export interface ApiVersion {
  readonly major: number;
  readonly minor: number;
}

export function parseApiVersion(text: string): ApiVersion | undefined {
  const match = /^(\d{1,4})\.(\d{1,4})$/.exec(text);
  return match ? { major: Number(match[1]), minor: Number(match[2]) } : undefined;
}

export function formatApiVersion({ major, minor }: ApiVersion): string {
  return `${major}.${minor}`;
}

/** Negative, zero or positive, as for `sort`. */
export function compareApiVersions(a: ApiVersion, b: ApiVersion): number {
  return a.major - b.major || a.minor - b.minor;
}

/** True from 1.`minor` on. */
export function atLeast(version: ApiVersion, minor: number): boolean {
  return version.major > 1 || (version.major === 1 && version.minor >= minor);
}
