/** What is further away than this was hardly meant. */
const maxDistance = 2;

/** The option that somebody who typed `value` may have meant; undefined where there is none, or where it is one. */
export function closest(value: string, options: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = maxDistance + 1;
  for (const option of options) {
    if (option === value) return undefined;
    const distance = editDistance(value, option, bestDistance);
    if (distance < bestDistance) {
      best = option;
      bestDistance = distance;
    }
  }
  return best;
}

/** ` (did you mean x?)`, or nothing. */
export function didYouMean(value: string, options: Iterable<string>): string {
  const found = closest(value, options);
  return found === undefined ? '' : ` (did you mean ${found}?)`;
}

/** Levenshtein's distance; any number from `limit` on means "at least that". */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
