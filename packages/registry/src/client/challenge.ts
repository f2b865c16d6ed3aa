/** One scheme that a registry offers. RFC 9110, 11.6.1; distribution: token authentication */
export interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  readonly parameters: ReadonlyMap<string, string>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameter = new RegExp(`^(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))`);
const scheme = new RegExp(`^(${token})(?:[\\s,]+|$)`);

/**
 * Reads WWW-Authenticate, whose values may have been joined by commas. Schemes that are not known are left out; what
 * is malformed ends the reading.
 */
export function parseChallenges(header: string | null): Challenge[] {
  const challenges: Challenge[] = [];
  let rest = (header ?? '').slice(0, 16_384).trim();
  let current: Map<string, string> | undefined;
  while (rest !== '') {
    const value = parameter.exec(rest);
    if (value && current) {
      const text = value[2]?.replace(/\\(.)/g, '$1') ?? value[3] ?? '';
      current.set(value[1]!.toLowerCase(), text);
      rest = rest.slice(value[0].length);
    } else {
      const name = scheme.exec(rest);
      if (!name) break;
      current = new Map();
      const kind = name[1]!.toLowerCase();
      if (kind === 'basic' || kind === 'bearer') challenges.push({ scheme: kind, parameters: current });
      rest = rest.slice(name[0].length);
    }
    rest = rest.replace(/^[\s,]+/, '');
  }
  return challenges;
}
