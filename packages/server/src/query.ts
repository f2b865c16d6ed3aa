import { type Filters, parseFilters } from '@wharf/api/filters';
import { invalidArgument } from '@wharf/base/error';
import { parsePointInTime } from '@wharf/base/point-in-time';

/** A request's query, read as dockerd reads its forms. */
export class Query {
  readonly #parameters: URLSearchParams;

  constructor(text: string) {
    this.#parameters = new URLSearchParams(text);
  }

  has(name: string): boolean {
    return this.#parameters.has(name);
  }

  /** '' when absent. */
  text(name: string): string {
    return this.#parameters.get(name) ?? '';
  }

  all(name: string): string[] {
    return this.#parameters.getAll(name);
  }

  /** Anything but '', 0, no, false and none is true. */
  boolean(name: string): boolean {
    return !['', '0', 'no', 'false', 'none'].includes(this.text(name).trim().toLowerCase());
  }

  booleanOr(name: string, fallback: boolean): boolean {
    return this.has(name) ? this.boolean(name) : fallback;
  }

  /** `undefined` when absent or empty; refused unless it is a whole number. */
  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === '') return undefined;
    if (!/^[-+]?\d{1,15}$/.test(value)) {
      throw invalidArgument(`strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
    }
    return Number(value);
  }

  /** `undefined` when absent, empty or 0. Unix seconds with fraction. */
  pointInTime(name: string): number | undefined {
    const value = this.text(name);
    if (value === '' || value === '0') return undefined;
    return Number(parsePointInTime(value)) / 1e9;
  }

  filters(): Filters {
    return parseFilters(this.text('filters'));
  }
}
