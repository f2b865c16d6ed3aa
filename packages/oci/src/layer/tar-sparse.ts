import type { PaxRecords } from './pax.ts';
import { blockSize, invalidTar, readNumber } from './tar-header.ts';

/** A run of data in a sparse file; everything else is a hole. */
export interface SparseRun {
  readonly offset: number;
  readonly length: number;
}

const maximumRuns = 1 << 20;

/** Runs must ascend, not overlap, and stay inside the file. */
export function checkRuns(runs: readonly SparseRun[], size: number): readonly SparseRun[] {
  let end = 0;
  for (const { offset, length } of runs) {
    if (!(offset >= end) || !(length >= 0) || !Number.isSafeInteger(offset + length)) throw invalidTar('sparse map');
    end = offset + length;
  }
  if (end > size || runs.length > maximumRuns) throw invalidTar('sparse map');
  return runs;
}

/** Old GNU format: four runs in the header, then blocks of 21. Returns whether another block follows. */
export function readOldGnuRuns(block: Buffer, start: number, count: number, runs: SparseRun[]): boolean {
  for (let index = 0; index < count; index++) {
    const offset = start + index * 24;
    if (block[offset] === 0) break;
    runs.push({ offset: readNumber(block, offset, 12), length: readNumber(block, offset + 12, 12) });
    if (runs.length > maximumRuns) throw invalidTar('sparse map');
  }
  return block[start + count * 24] === 1;
}

/** PAX formats 0.0 and 0.1: the map is in the records. Undefined where it is not sparse, or is format 1.0. */
export function readPaxRuns(pax: PaxRecords): SparseRun[] | undefined {
  const map = pax.text('GNU.sparse.map');
  const numbers = map === undefined ? pax.sparsePairs : map.split(',').filter(Boolean).map(Number);
  if (numbers.length === 0) return map === undefined ? undefined : [];
  if (numbers.length % 2 !== 0) throw invalidTar('sparse map');
  return pairs(numbers);
}

/** PAX format 1.0: decimal lines before the data, padded to a block. */
export class SparseMapLines {
  #carry = '';
  #expected = -1;
  readonly #numbers: number[] = [];

  /** Takes one block; returns the runs when the map is whole. */
  push(block: Buffer): SparseRun[] | undefined {
    if (block.length !== blockSize) throw invalidTar('sparse map');
    const lines = (this.#carry + block.toString('latin1')).split('\n');
    this.#carry = lines.pop()!;
    for (const line of lines) {
      if (!/^[0-9]{1,16}$/.test(line)) throw invalidTar('sparse map');
      if (this.#expected < 0) {
        this.#expected = Number(line) * 2;
        if (this.#expected > 2 * maximumRuns) throw invalidTar('sparse map');
      } else this.#numbers.push(Number(line));
      if (this.#numbers.length === this.#expected) return pairs(this.#numbers);
    }
    return undefined;
  }
}

function pairs(numbers: readonly number[]): SparseRun[] {
  const runs: SparseRun[] = [];
  for (let index = 0; index < numbers.length; index += 2) {
    runs.push({ offset: numbers[index]!, length: numbers[index + 1]! });
  }
  return runs;
}
