export interface Listed {
  readonly name: string;
  /** As in the header: `0` a file, `1` a hard link, `2` a symbolic link, `5` a directory. */
  readonly type: string;
  readonly target: string;
  readonly content: string;
  readonly bytes: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly device: readonly [major: number, minor: number];
  readonly xattrs: ReadonlyMap<string, string>;
}

const xattrPrefix = 'SCHILY.xattr.';

/** The members of an archive, independent of the product's own reader: ustar, with PAX and GNU long names. */
export function listTar(bytes: Buffer): Listed[] {
  const members: Listed[] = [];
  let long = new Map<string, string>();
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const text = (from: number, length: number) =>
      bytes.toString('utf8', at + from, at + from + length).split('\0')[0]!;
    const octal = (from: number, length: number) => Number.parseInt(text(from, length), 8) || 0;
    const size = octal(124, 12);
    const body = bytes.subarray(at + 512, at + 512 + size);
    const type = text(156, 1) || '0';
    if (type === 'x') long = paxRecords(body);
    else {
      const prefix = text(345, 155);
      members.push({
        name: long.get('path') ?? (prefix ? `${prefix}/${text(0, 100)}` : text(0, 100)),
        type,
        target: long.get('linkpath') ?? text(157, 100),
        content: body.toString(),
        bytes: body,
        mode: octal(100, 8),
        uid: Number(long.get('uid') ?? octal(108, 8)),
        gid: Number(long.get('gid') ?? octal(116, 8)),
        time: Math.floor(Number(long.get('mtime') ?? octal(136, 12))),
        device: [octal(329, 8), octal(337, 8)],
        xattrs: new Map(
          [...long]
            .filter(([key]) => key.startsWith(xattrPrefix))
            .map(([key, value]) => [key.slice(xattrPrefix.length), value]),
        ),
      });
      long = new Map();
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return members;
}

/** Each says its own length, since values may hold anything. */
function paxRecords(body: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < body.length; ) {
    const length = Number.parseInt(body.toString('latin1', at, at + 20), 10);
    const record = body.toString('utf8', at, at + length - 1);
    const pair = record.slice(record.indexOf(' ') + 1);
    records.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    at += length;
  }
  return records;
}
