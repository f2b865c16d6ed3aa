/** The JSON texts of a stream, one a line (json lines, ndjson, json-seq, or Docker's CRLF form). */
export async function* readJsonTexts(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true });
    let start = 0;
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n', start)) {
      const line = trimRecord(rest.slice(start, end));
      start = end + 1;
      if (line !== '') yield line;
    }
    rest = rest.slice(start);
  }
  const last = trimRecord(rest);
  if (last !== '') yield last;
}

/** The values of a JSON stream. Invalid JSON throws a SyntaxError. */
export async function* readJsonStream<T>(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<T> {
  for await (const text of readJsonTexts(chunks)) yield JSON.parse(text) as T;
}

function trimRecord(line: string): string {
  // json-seq starts each record with a record separator. rfc7464#2
  return line.replace(/^\x1e/, '').trim();
}
