import { invalidArgument } from './error.ts';

const powers: Readonly<Record<string, number>> = { '': 0, b: 0, k: 1, m: 2, g: 3, t: 4, p: 5 };

/** go-units' RAMInBytes: `10m`, `1.5 GiB`, `512`, in powers of 1024, to bytes. Throws `invalid size: 'x'`. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])(?:i?b)?|b)?$/i.exec(text);
  if (!match) throw invalidArgument(`invalid size: '${text}'`);
  return Math.trunc(Number(match[1]) * 1024 ** powers[(match[2] ?? '').toLowerCase()]!);
}
