import { invalidArgument, notImplemented } from '@wharf/base/error';
import type { ExporterRequest } from './exporter-request.ts';

/** Attributes of one exporter or cache. What nobody has asked for in the end is refused by its name. */
export class ExporterAttributes {
  readonly #what: string;
  readonly #values: Map<string, string>;

  /** `what` names the owner in errors: `the exporter image`. */
  constructor(what: string, attributes: ExporterRequest['attributes']) {
    this.#what = what;
    this.#values = new Map(Object.entries(attributes));
  }

  text(name: string): string | undefined {
    const value = this.#values.get(name);
    this.#values.delete(name);
    return value;
  }

  /** A bare name means true, as in BuildKit. */
  flag(name: string): boolean | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (value === '' || /^(1|t|T|true|TRUE|True)$/.test(value)) return true;
    if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
    throw invalidArgument(`non-bool value specified for ${name}: ${JSON.stringify(value)}`);
  }

  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined || value === '') return undefined;
    if (!/^-?\d{1,15}$/.test(value)) throw invalidArgument(`non-integer value ${value} specified for ${name}`);
    return Number(value);
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.text(name);
    if (value === undefined || value === '') return undefined;
    const found = choices.find((choice) => choice === value);
    if (found === undefined) throw notImplemented(`${name}=${value} of ${this.#what}`);
    return found;
  }

  /** Known, but only in the one value that changes nothing. */
  only(name: string, expected: boolean): void {
    const value = this.flag(name);
    if (value !== undefined && value !== expected) throw notImplemented(`${name}=${value} of ${this.#what}`);
  }

  /** Names that match, with what `pattern` finds in them. */
  *matching(pattern: RegExp): Generator<[match: RegExpExecArray, value: string]> {
    for (const [name, value] of [...this.#values]) {
      const match = pattern.exec(name);
      if (!match) continue;
      this.#values.delete(name);
      yield [match, value];
    }
  }

  refuseRest(): void {
    const [name] = this.#values.keys();
    if (name !== undefined) throw notImplemented(`the attribute ${name} of ${this.#what}`);
  }
}
