import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../harness/target.ts';

/** What comes of the cases of one subject, by rule: a text file for people to read, written by dockerd's BuildKit. */
export class Golden {
  readonly #path: string;
  readonly #sections = new Map<string, string>();

  constructor(subject: string) {
    this.#path = join(repository, 'test/golden/dockerfile', `${subject}.txt`);
    if (!existsSync(this.#path)) return;
    for (const section of readFileSync(this.#path, 'utf8').split(/^== /m).slice(1)) {
      const end = section.indexOf('\n');
      this.#sections.set(section.slice(0, end), section.slice(end + 1).trimEnd());
    }
  }

  get(rule: string): string | undefined {
    return this.#sections.get(rule);
  }

  set(rule: string, text: string): void {
    this.#sections.set(rule, text);
  }

  /** In the order of `rules`, and nothing else. */
  write(rules: readonly string[]): void {
    const known = rules.filter((rule) => this.#sections.has(rule));
    writeFileSync(this.#path, known.map((rule) => `== ${rule}\n${this.#sections.get(rule)}\n`).join('\n'));
  }
}
