import { readFileSync } from 'node:fs';

/** Docker names architectures as Go does. */
export function dockerArchitecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

/** What /etc/os-release calls this system. */
export function readOsRelease(): Record<string, string> {
  return parseOsRelease(readText('/etc/os-release') || readText('/usr/lib/os-release'));
}

/** os-release(5) */
export function parseOsRelease(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const match = /^([A-Z0-9_]+)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|(.*))$/.exec(line.trim());
    if (match) values[match[1]!] = (match[2] ?? match[3] ?? match[4] ?? '').replace(/\\(.)/g, '$1');
  }
  return values;
}

/** A small file's text, trimmed; '' if it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
