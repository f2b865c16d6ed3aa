import { invalidArgument } from '@wharf/base/error';
import type { SourceRange } from '../source-error.ts';
import { SourceError } from '../source-error.ts';
import type { Rule } from './rules.ts';

/** From `# check=skip=A,B;error=true;experimental=all` or the build argument BUILDKIT_DOCKERFILE_CHECK. */
export interface LintOptions {
  readonly skip: ReadonlySet<string>;
  readonly skipAll: boolean;
  readonly experimental: ReadonlySet<string>;
  readonly experimentalAll: boolean;
  readonly error: boolean;
}

export interface Finding {
  readonly rule: string;
  readonly description: string;
  readonly url: string;
  readonly message: string;
  readonly ranges: readonly SourceRange[];
}

export function parseLintOptions(text: string): LintOptions {
  const options = new Map<string, string>();
  for (const part of text.split(';').map((each) => each.trim())) {
    if (part === '') continue;
    const [key = '', value, ...more] = part.split('=').map((each) => each.trim());
    if (value === undefined || more.length > 0) throw invalidArgument(`invalid check option "${part}"`);
    options.set(key, value);
  }
  for (const key of options.keys()) {
    if (!['skip', 'error', 'experimental'].includes(key)) throw invalidArgument(`invalid check option "${key}"`);
  }
  const names = (key: string) =>
    new Set(
      (options.get(key) ?? '')
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean),
    );
  const error = options.get('error') ?? 'false';
  if (!/^(?:true|false|1|0|t|f)$/i.test(error)) {
    throw invalidArgument(
      `failed to parse check options: failed to parse error option: strconv.ParseBool: parsing "${error}": invalid syntax`,
    );
  }
  return {
    skip: names('skip'),
    skipAll: names('skip').has('all'),
    experimental: names('experimental'),
    experimentalAll: names('experimental').has('all'),
    error: /^(?:true|1|t)$/i.test(error),
  };
}

/** Collects what the rules find, but for those that are skipped. */
export class Linter {
  readonly findings: Finding[] = [];
  readonly #options: LintOptions;

  constructor(options: LintOptions) {
    this.#options = options;
  }

  report<Args extends readonly string[]>(rule: Rule<Args>, ranges: readonly SourceRange[], ...args: Args): void {
    const { skip, skipAll, experimental, experimentalAll } = this.#options;
    if (rule.experimental ? !(experimentalAll || experimental.has(rule.name)) : skipAll || skip.has(rule.name)) return;
    const { name, description, url } = rule;
    this.findings.push({ rule: name, description, url, message: rule.format(...args), ranges });
  }

  /** With `error=true` a build with findings fails. */
  throwIfAsked(): void {
    if (!this.#options.error || this.findings.length === 0) return;
    const names = [...new Set(this.findings.map(({ rule }) => rule))];
    const ranges = this.findings.flatMap((finding) => finding.ranges);
    throw new SourceError(`lint violation found for rules: ${names.join(', ')}`, ranges);
  }
}
