export type Headers = Readonly<Record<string, string>>;

export type Body = string | Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array> | null;

/** Every answer has these; old clients tell a registry by the first. */
const common: Headers = {
  'Docker-Distribution-Api-Version': 'registry/2.0',
  'X-Content-Type-Options': 'nosniff',
};

export function respond(status: number, headers: Headers, body: Body = null): Response {
  return new Response(body, { status, headers: { ...common, ...headers } });
}

export function respondJson(status: number, value: unknown, headers: Headers = {}): Response {
  return respond(status, { 'Content-Type': 'application/json', ...headers }, JSON.stringify(value));
}

/** RFC 9110 section 13.1.2, weak comparison. */
export function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((item) => {
    const candidate = item.trim().replace(/^W\//, '');
    return candidate === '*' || candidate === etag;
  });
}
