import type { Answer, Exchange } from '../http/exchange.ts';
import { jsonBodyLimit } from '../json-body.ts';

/** What a plugin is told; absent fields are left out, bytes are base64. docs.docker.com: access authorization plugin. */
export interface AuthorizationRequest {
  readonly User?: string;
  readonly UserAuthNMethod?: string;
  readonly RequestMethod: string;
  readonly RequestUri: string;
  readonly RequestBody?: string;
  readonly RequestHeaders: Readonly<Record<string, string>>;
  readonly RequestPeerCertificates?: readonly string[];
  readonly ResponseBody?: string;
  readonly ResponseStatusCode?: number;
  readonly ResponseHeaders?: Readonly<Record<string, string>>;
}

/**
 * The request as its handler will see it. A JSON body is read whole here and handed on from memory, so that a plugin
 * judges the very bytes that are obeyed, however they were framed (CVE-2024-41110); one above the limit is an error.
 */
export async function describeRequest(exchange: Exchange): Promise<AuthorizationRequest> {
  const { method, target, headers } = exchange.request;
  const body = carriesJson(headers.get('content-type')) ? await bodyOf(exchange) : undefined;
  const { peer } = exchange;
  return {
    ...(peer && {
      User: peer.commonName,
      UserAuthNMethod: 'TLS',
      RequestPeerCertificates: [encodePem(peer.certificate)],
    }),
    RequestMethod: method,
    RequestUri: normalizeTarget(target),
    ...(body && { RequestBody: body }),
    RequestHeaders: shownHeaders(headers),
  };
}

async function bodyOf(exchange: Exchange): Promise<string | undefined> {
  const bytes = await exchange.readAhead(jsonBodyLimit);
  const isSecret = isAuthEndpoint(normalizeTarget(exchange.request.target));
  return bytes.length === 0 || isSecret ? undefined : bytes.toString('base64');
}

export function describeAnswer(
  { RequestUri }: AuthorizationRequest,
  { status, headers, body }: Answer,
): Partial<AuthorizationRequest> {
  const fields = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
  return {
    ResponseStatusCode: status,
    ResponseHeaders: shownHeaders(fields),
    ...(body.length > 0 &&
      !isAuthEndpoint(RequestUri) &&
      carriesJson(fields.get('content-type')) && { ResponseBody: Buffer.from(body).toString('base64') }),
  };
}

function carriesJson(contentType = ''): boolean {
  return contentType.split(';')[0]!.trim().toLowerCase() === 'application/json';
}

/** The credentials that a client sends there, and the token it gets, are nobody's but the engine's. */
function isAuthEndpoint(uri: string): boolean {
  return /^(?:\/v[\d.]+)?\/auth(?:[/?]|$)/.test(uri);
}

/**
 * The path as the router matches it: `/%63ontainers` and `/containers%2Fcreate` are `/containers/create` there, and
 * must be nothing else to a plugin that looks for that.
 */
export function normalizeTarget(target: string): string {
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  const query = question < 0 ? '' : target.slice(question);
  if (!path.includes('%')) return target;
  try {
    return encodeURI(decodeURIComponent(path)).replaceAll('?', '%3F').replaceAll('#', '%23') + query;
  } catch {
    // No route has it.
    return target;
  }
}

const secretHeaders = new Set(['authorization', 'x-registry-auth', 'x-registry-config']);

/** In Go's spelling, `Content-Type`, and without credentials. */
function shownHeaders(headers: Iterable<readonly [string, string]>): Record<string, string> {
  const shown: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (name === 'host' || secretHeaders.has(name)) continue;
    shown[name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())] = value;
  }
  return shown;
}

/** Go's PeerCertificate is PEM, marshalled as bytes: base64 once more. */
function encodePem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  const pem = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
  return Buffer.from(pem).toString('base64');
}
