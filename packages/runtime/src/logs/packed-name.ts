import { nineDigits } from './line-time.ts';

/** RFC 1952, 2.3: FLG.FEXTRA, and a subfield of two letters and a length. */
const extraFlag = 4;
const headerSize = 10;
const subfield = 'WL';

/** The time of the first line, where a reader finds it without inflating. */
export function withName(packed: Buffer, name: string): Buffer {
  const extra = Buffer.alloc(6 + name.length);
  extra.writeUInt16LE(4 + name.length, 0);
  extra.write(subfield, 2, 'latin1');
  extra.writeUInt16LE(name.length, 4);
  extra.write(name, 6, 'latin1');
  const header = Buffer.from(packed.subarray(0, headerSize));
  header[3] = header[3]! | extraFlag;
  return Buffer.concat([header, extra, packed.subarray(headerSize)]);
}

/** What `withName` wrote; undefined for a file of another writer. `head` are the first bytes of the file. */
export function nameOf(head: Buffer): string | undefined {
  if (head.length < headerSize + 6 || !(head[3]! & extraFlag)) return undefined;
  if (head.toString('latin1', headerSize + 2, headerSize + 4) !== subfield) return undefined;
  const length = head.readUInt16LE(headerSize + 4);
  return nineDigits(head.toString('latin1', headerSize + 6, headerSize + 6 + length));
}
