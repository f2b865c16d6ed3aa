export interface Listed {
  readonly name: string;
  /** As in the header: `0` a file, `1` a hard link, `2` a symbolic link, `5` a directory. */
  readonly type: string;
  readonly target: string;
  readonly content: string;
  readonly uid: number;
  readonly gid: number;
}

/** The members of an archive, independent of the product's own reader: ustar, with PAX and GNU long names. */
export function listTar(bytes: Buffer): Listed[] {
  const members: Listed[] = [];
  let long = new Map<string, string>();
  for (let at = 0; at + 512 <= bytes.length && bytes[at] !== 0; ) {
    const text = (from: number, length: number) =>
      bytes.toString('utf8', at + from, at + from + length).split('\0')[0]!;
    const size = Number.parseInt(text(124, 12), 8) || 0;
    const body = bytes.subarray(at + 512, at + 512 + size);
    const type = text(156, 1) || '0';
    if (type === 'x')
      long = new Map([...body.toString().matchAll(/\d+ ([^=]+)=([^\n]*)\n/g)].map(([, k, v]) => [k!, v!]));
    else {
      const prefix = text(345, 155);
      const name = long.get('path') ?? (prefix ? `${prefix}/${text(0, 100)}` : text(0, 100));
      const target = long.get('linkpath') ?? text(157, 100);
      const [uid, gid] = [Number.parseInt(text(108, 8), 8), Number.parseInt(text(116, 8), 8)];
      members.push({ name, type, target, content: body.toString(), uid, gid });
      long = new Map();
    }
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return members;
}
