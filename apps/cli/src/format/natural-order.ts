/** Sorts `vol2` before `vol10`, otherwise by bytes. fvbommel/sortorder NaturalLess */
export function byNaturalOrder(a: string, b: string): number {
  const partsA = a.match(/\d+|\D+/g) ?? [];
  const partsB = b.match(/\d+|\D+/g) ?? [];
  for (let at = 0; at < Math.min(partsA.length, partsB.length); at++) {
    const [partA = '', partB = ''] = [partsA[at], partsB[at]];
    if (partA === partB) continue;
    if (/^\d/.test(partA) && /^\d/.test(partB)) {
      const difference = BigInt(partA) - BigInt(partB);
      if (difference !== 0n) return difference < 0n ? -1 : 1;
      return partA.length - partB.length;
    }
    return partA < partB ? -1 : 1;
  }
  return partsA.length - partsB.length;
}
