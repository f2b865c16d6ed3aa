export type Labels = Readonly<Record<string, string>>;

/** Samples by family, in Prometheus' text format, version 0.0.4. */
export class Exposition {
  readonly #families = new Map<string, string[]>();

  /** The first sample of a family names it: its type and help are taken from there. */
  add(name: string, { type, help }: { type: 'counter' | 'gauge'; help: string }, labels: Labels, value: number): void {
    let lines = this.#families.get(name);
    if (!lines) {
      lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
      this.#families.set(name, lines);
    }
    lines.push(`${name}${formatLabels(labels)} ${value}`);
  }

  format(): string {
    return `${[...this.#families.values()].flat().join('\n')}\n`;
  }
}

function formatLabels(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeValue(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** Backslash, quote and line feed are what a value cannot hold as they are. */
function escapeValue(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}
