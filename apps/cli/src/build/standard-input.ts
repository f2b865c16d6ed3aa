import { type BuildContext, dockerfileContext } from './build-context.ts';

/** First bytes of what may hold a tar. */
const magics = ['1f8b', '425a68', 'fd377a585a00', '28b52ffd'];

/** What came on standard input: a tar, packed or not, or else a Dockerfile. */
export type BuildInput =
  | { readonly archive: AsyncIterable<Uint8Array>; readonly text: '' }
  | { readonly archive: undefined; readonly text: string };

export async function readInput(input: AsyncIterable<Uint8Array>): Promise<BuildInput> {
  const chunks = input[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  for (let more = true; more && head.length < 512; ) {
    const { value, done } = await chunks.next();
    if (done) more = false;
    else head = Buffer.concat([head, value]);
  }
  if (isArchive(head)) return { archive: joined(head, chunks), text: '' };
  return { archive: undefined, text: Buffer.concat([head, await collect(chunks)]).toString() };
}

/** `build -` as the classic builder takes it. */
export async function inputContext(input: AsyncIterable<Uint8Array>, dockerfile: string): Promise<BuildContext> {
  const { archive, text } = await readInput(input);
  return archive ? { dockerfile, body: archive } : dockerfileContext(Buffer.from(text));
}

export async function collect(chunks: AsyncIterator<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) parts.push(next.value);
  return Buffer.concat(parts);
}

async function* joined(head: Uint8Array, chunks: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value;
}

function isArchive(head: Buffer): boolean {
  const hex = head.toString('hex', 0, 6);
  return magics.some((magic) => hex.startsWith(magic)) || head.toString('latin1', 257, 262) === 'ustar';
}
