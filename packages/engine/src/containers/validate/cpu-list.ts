import { invalidArgument } from '@wharf/base/error';

/** The kernel's list format, `0-3,8`. Throws with the text that Docker's own parser has. */
export function parseCpuList(text: string): ReadonlySet<number> {
  const numbers = new Set<number>();
  if (text === '') return numbers;
  for (const part of text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first || last > 8191) throw invalidArgument(`invalid format: ${part}`);
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return numbers;
}
