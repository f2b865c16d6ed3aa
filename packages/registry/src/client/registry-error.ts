import { EngineError, type ErrorCode } from '@wharf/base/error';
import { parseChallenges } from './challenge.ts';

/** One entry of a registry's error body. distribution-spec: Error Codes */
export interface RegistryErrorDetail {
  readonly code: string;
  readonly message: string;
}

/** What a registry answered instead of what was asked for. The message has distribution's words. */
export class RegistryError extends EngineError {
  readonly status: number;
  readonly details: readonly RegistryErrorDetail[];
  /** Seconds that the registry asks to stay away, where it does. */
  readonly retryAfter: number | undefined;
  /** The scheme of the challenge, for 401. */
  readonly challenge: 'basic' | 'bearer' | undefined;
  /** The host that answered. */
  readonly host: string;

  constructor(
    message: string,
    options: {
      status: number;
      host: string;
      details?: readonly RegistryErrorDetail[];
      retryAfter?: number | undefined;
      challenge?: 'basic' | 'bearer' | undefined;
    },
  ) {
    super(codeOf(options.status), message);
    this.name = 'RegistryError';
    this.status = options.status;
    this.host = options.host;
    this.details = options.details ?? [];
    this.retryAfter = options.retryAfter;
    this.challenge = options.challenge;
  }

  has(code: string): boolean {
    return this.details.some((detail) => detail.code === code);
  }
}

function codeOf(status: number): ErrorCode {
  if (status === 401) return 'unauthenticated';
  if (status === 403) return 'permission_denied';
  if (status === 404) return 'not_found';
  if (status === 429 || status === 503) return 'unavailable';
  if (status >= 400 && status < 500) return 'invalid_argument';
  return 'internal';
}

/** No answer came: the connection failed, TLS failed, or the other side was silent for too long. */
export class ConnectionFailure extends EngineError {
  /** Nobody is there, or nobody that can be trusted: asking again at once is of no use. */
  readonly absent: boolean;

  constructor(message: string, cause: unknown, absent = false) {
    super('internal', message, { cause });
    this.name = 'ConnectionFailure';
    this.absent = absent;
  }
}

const accessDenied = { code: 'DENIED', message: 'requested access to the resource is denied' };
const maximumErrorBody = 64 * 1024;

/** Reads the error that a response stands for. */
export async function readRegistryError(response: Response, request: string): Promise<RegistryError> {
  const body = await readStart(response);
  const { status } = response;
  const challenges = parseChallenges(response.headers.get('www-authenticate'));
  // A token that is good, but not for this. RFC 6750, 3.1
  const lacksScope = challenges.some(({ parameters }) => parameters.get('error') === 'insufficient_scope');
  const details = lacksScope ? [accessDenied] : parseDetails(body);
  const challenge = challenges.map(({ scheme }) => scheme).find((scheme) => scheme === 'basic' || scheme === 'bearer');
  return new RegistryError(describe(response, request, { details, body }), {
    status,
    details,
    host: new URL(response.url).host,
    retryAfter: parseRetryAfter(response.headers.get('retry-after')),
    challenge,
  });
}

function describe(
  response: Response,
  request: string,
  { details, body }: { details: readonly RegistryErrorDetail[]; body: string },
): string {
  if (details.length > 0) return details.map(formatDetail).join(', ');
  const { status } = response;
  if (status === 401) return 'unauthorized: authentication required';
  if (status === 403) return 'denied: requested access to the resource is denied';
  if (status === 429) return 'toomanyrequests: too many requests to the registry';
  const line = body.split('\n', 1)[0]!.trim().slice(0, 200);
  const shown = line === '' || /[<{]/.test(line[0]!) ? '' : `: ${line}`;
  return `unexpected status from ${request}: ${status} ${response.statusText}${shown}`;
}

/** `manifest unknown: manifest unknown`, as distribution's errcode prints itself. */
export function formatDetail({ code, message }: RegistryErrorDetail): string {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return message === '' ? words : `${words}: ${message}`;
}

function parseDetails(body: string): RegistryErrorDetail[] {
  try {
    const parsed: unknown = JSON.parse(body);
    const { errors, details } = parsed as Record<string, unknown>;
    if (Array.isArray(errors)) return errors.slice(0, 8).flatMap(detailOf);
    // Some token servers answer `{"details": "incorrect username or password"}`.
    return typeof details === 'string' ? [{ code: 'UNAUTHORIZED', message: printable(details) }] : [];
  } catch {
    return [];
  }
}

function detailOf(value: unknown): RegistryErrorDetail[] {
  if (typeof value !== 'object' || value === null) return [];
  const { code, message } = value as Record<string, unknown>;
  if (typeof code !== 'string') return [];
  return [{ code: printable(code), message: typeof message === 'string' ? printable(message) : '' }];
}

/** A registry's words end up on terminals: no control characters, no end. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]+/g, ' ').slice(0, 500);
}

async function readStart(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (!reader) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    while (length < maximumErrorBody) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      length += value.length;
    }
  } catch {
    // Half an explanation is better than none.
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Seconds or an HTTP date. RFC 9110, 10.2.3 */
export function parseRetryAfter(value: string | null, now = Date.now()): number | undefined {
  if (value === null) return undefined;
  if (/^\s*\d+\s*$/.test(value)) return Number(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000));
}
