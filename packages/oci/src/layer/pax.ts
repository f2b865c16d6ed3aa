import { invalidTar } from './tar-header.ts';

/** Records of a PAX extended header: `<length> <key>=<value>\n`. Values are bytes; a later key wins. */
export class PaxRecords {
  readonly #values = new Map<string, Buffer>();
  /** GNU sparse 0.0 repeats its keys: their values in order. */
  readonly sparsePairs: number[] = [];

  text(key: string): string | undefined {
    return this.#values.get(key)?.toString('latin1');
  }

  /** A whole number that must not be negative. */
  size(key: string): number | undefined {
    const text = this.text(key);
    if (text === undefined || text === '') return undefined;
    const value = Number(text);
    if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value)) throw invalidTar(key);
    return value;
  }

  /** Seconds with a fraction, as nanoseconds. */
  time(key: string): bigint | undefined {
    const text = this.text(key);
    if (text === undefined || text === '') return undefined;
    const match = /^(-?)([0-9]{1,12})(?:\.([0-9]*))?$/.exec(text);
    if (!match) throw invalidTar(key);
    const fraction = `${match[3] ?? ''}000000000`.slice(0, 9);
    const magnitude = BigInt(match[2]!) * 1_000_000_000n + BigInt(fraction);
    return match[1] ? -magnitude : magnitude;
  }

  *entries(prefix: string): IterableIterator<[name: string, value: Buffer]> {
    for (const [key, value] of this.#values) if (key.startsWith(prefix)) yield [key.slice(prefix.length), value];
  }

  set(key: string, value: Buffer): void {
    // An empty value takes back an earlier record. pax(1)
    if (value.length === 0 && !key.startsWith('SCHILY.xattr.')) this.#values.delete(key);
    else this.#values.set(key, value);
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') this.sparsePairs.push(Number(value.toString()));
  }
}

export function parsePax(bytes: Buffer): PaxRecords {
  const into = new PaxRecords();
  let offset = 0;
  while (offset < bytes.length) {
    const space = bytes.indexOf(32, offset);
    const lengthText = space < 0 ? '' : bytes.toString('latin1', offset, space);
    const end = offset + Number(lengthText);
    if (!/^[0-9]{1,9}$/.test(lengthText) || end > bytes.length || bytes[end - 1] !== 10 || end <= space) {
      // GNU tar pads some headers with NULs after the last record.
      if (bytes[offset] === 0) return into;
      throw invalidTar('pax record');
    }
    const equals = bytes.indexOf(61, space);
    if (equals < 0 || equals >= end) throw invalidTar('pax record');
    const key = bytes.toString('latin1', space + 1, equals);
    if (key === '' || key.includes('\0')) throw invalidTar('pax record');
    into.set(key, Buffer.from(bytes.subarray(equals + 1, end - 1)));
    offset = end;
  }
  return into;
}

/** One record; its length counts its own digits. */
export function formatPaxRecord(key: string, value: Uint8Array): Buffer {
  const rest = Buffer.byteLength(key, 'latin1') + value.length + 3;
  let length = rest + String(rest).length;
  if (rest + String(length).length !== length) length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`, 'latin1'), value, Buffer.from('\n')]);
}
