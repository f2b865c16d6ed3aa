/** The tags that somebody may have meant, best first: the distance is that of Levenshtein. */
export function nearestTags(wanted: string, tags: Iterable<string>, count = 3): string[] {
  const limit = Math.max(2, Math.floor(wanted.length / 2));
  const found: { tag: string; distance: number }[] = [];
  for (const tag of tags) {
    if (tag === wanted || Math.abs(tag.length - wanted.length) > limit + wanted.length) continue;
    // `1.36` stands for `1.36.1` and the other way round.
    const isPrefix = tag.startsWith(wanted) || wanted.startsWith(tag);
    const distance = isPrefix ? 1 : levenshtein(wanted, tag);
    if (distance <= limit) found.push({ tag, distance });
  }
  found.sort((a, b) => a.distance - b.distance || (a.tag < b.tag ? -1 : 1));
  return found.slice(0, count).map(({ tag }) => tag);
}

function levenshtein(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const replaced = previous[column - 1]! + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, previous[column]! + 1, current[column - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
