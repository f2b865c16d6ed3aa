import { looksSecret } from '../dockerfile/lint/secret-names.ts';
import type { BuildEvent } from '../solver/progress.ts';

/** Shorter values are in too much that is no secret. Characters. */
const shortest = 6;
export const hiddenValue = 'xxxxx';

/** Whether an option of a build is a variable that likely holds a secret. */
export function isSecretOption(name: string): boolean {
  return name.startsWith('build-arg:') && looksSecret(name.slice('build-arg:'.length));
}

/** Keeps values of variables that look secret out of what is kept: commands are shown with their variables' values. */
export class SecretValues {
  readonly #values: readonly string[];

  constructor(options: Readonly<Record<string, string>>) {
    const secret = Object.entries(options).filter(([name, value]) => isSecretOption(name) && value.length >= shortest);
    this.#values = secret.map(([, value]) => value).sort((a, b) => b.length - a.length);
  }

  hide(text: string): string {
    return this.#values.reduce((hidden, value) => hidden.replaceAll(value, hiddenValue), text);
  }

  hideIn(event: BuildEvent): BuildEvent {
    if (this.#values.length === 0) return event;
    switch (event.kind) {
      case 'vertex': {
        const { name, error, ...rest } = event;
        return { ...rest, name: this.hide(name), ...(error !== undefined && { error: this.hide(error) }) };
      }
      case 'log': {
        const text = Buffer.from(event.bytes).toString('latin1');
        const hidden = this.#values.reduce(
          (shown, value) => shown.replaceAll(Buffer.from(value).toString('latin1'), hiddenValue),
          text,
        );
        return hidden === text ? event : { ...event, bytes: Uint8Array.from(Buffer.from(hidden, 'latin1')) };
      }
      case 'warning':
        return { ...event, short: this.hide(event.short), detail: event.detail.map((line) => this.hide(line)) };
      case 'status':
        return event;
    }
  }
}
