import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Relative links of a Markdown file that lead nowhere, and files named in backquotes that do not exist. */
export function brokenLinks(root: string, document: string): string[] {
  const text = readFileSync(join(root, document), 'utf8');
  const broken: string[] = [];
  for (const [, target] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
    if (/^[a-z]+:/.test(target!)) continue;
    if (!existsSync(join(root, dirname(document), target!))) broken.push(`${document}: ${target}`);
  }
  for (const [, path] of text.matchAll(/`((?:packages|apps|tools|test|bench|docs|bin)\/[\w./-]+)`/g)) {
    if (!existsSync(join(root, path!))) broken.push(`${document}: ${path}`);
  }
  return broken;
}
