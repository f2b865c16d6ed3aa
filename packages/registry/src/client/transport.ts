import { explainHandshake } from './explain-handshake.ts';
import { ConnectionFailure } from './registry-error.ts';

export interface TlsSettings {
  /** PEM, besides the system's own authorities. */
  readonly authorities?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** Takes any certificate. */
  readonly insecure?: boolean;
}

export interface Proxies {
  readonly http: string;
  readonly https: string;
  /** Hosts, domains, addresses and CIDRs that are reached directly. */
  readonly no: string;
}

export interface TransportOptions {
  readonly userAgent: string;
  readonly proxies: Proxies;
  /** PEM of the authorities that the system trusts; undefined takes the runtime's own. Asked for once. */
  readonly systemAuthorities?: () => string | undefined;
  /** How long a server may be silent before the first byte of its answer. */
  readonly answerTimeout?: number;
}

export interface TransportRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody | undefined;
  readonly tls?: TlsSettings;
  readonly signal: AbortSignal;
  /** Follows redirects, without the Authorization header as soon as another host is named. */
  readonly follow?: boolean;
  /** How long the server may be silent before the first byte of its answer; 0 is for ever. */
  readonly answerTimeout?: number;
}

export type RequestBody =
  | string
  | Uint8Array<ArrayBuffer>
  | { readonly stream: ReadableStream<Uint8Array>; readonly length: number };

const maximumRedirects = 10;
const redirects = new Set([301, 302, 303, 307, 308]);

/** HTTP towards registries: TLS, proxies, redirects and time-outs. What speaks HTTP is the runtime's fetch. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #bypass: (host: string) => boolean;
  #systemAuthorities: string | undefined;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#bypass = proxyBypass(options.proxies.no);
  }

  /** Resolves with the head of the answer, whatever its status. Throws ConnectionFailure where none comes. */
  async send(url: string, request: TransportRequest): Promise<Response> {
    let target = new URL(url);
    let headers = { ...request.headers };
    for (let hop = 0; hop <= maximumRedirects; hop++) {
      const response = await this.#once(target, { ...request, headers });
      if (!request.follow || !redirects.has(response.status)) return response;
      const location = response.headers.get('location');
      await response.body?.cancel().catch(() => undefined);
      if (location === null)
        throw new ConnectionFailure(`${describe(request.method, target)}: redirect to nowhere`, undefined);
      const next = parseLocation(location, target);
      // Credentials belong to the registry, not to where it keeps its blobs.
      if (next.origin !== target.origin) headers = withoutAuthorization(headers);
      target = next;
    }
    throw new ConnectionFailure(
      `${describe(request.method, target)}: stopped after ${maximumRedirects} redirects`,
      undefined,
    );
  }

  async #once(url: URL, request: TransportRequest): Promise<Response> {
    const { method, headers, body, tls, signal, answerTimeout = this.#options.answerTimeout ?? 60_000 } = request;
    signal.throwIfAborted();
    const silence = new AbortController();
    const timer = answerTimeout > 0 ? setTimeout(() => silence.abort(new TimedOut()), answerTimeout) : undefined;
    try {
      const length = typeof body === 'object' && 'stream' in body ? { 'Content-Length': String(body.length) } : {};
      const options: BunFetchRequestInit = {
        method,
        headers: {
          'User-Agent': this.#options.userAgent,
          'Accept-Encoding': 'identity',
          ...headers,
          ...length,
        },
        body: body === undefined ? null : typeof body === 'object' && 'stream' in body ? body.stream : body,
        redirect: 'manual',
        decompress: false,
        // Once the head is here the timer is off, and the caller's signal goes on to end the body.
        signal: AbortSignal.any([signal, silence.signal]),
        timeout: false,
        ...(url.protocol === 'https:' && { tls: this.#tls(tls) }),
        proxy: this.#proxyFor(url) as string,
      };
      return await fetch(url, options);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const thrown = silence.signal.aborted ? silence.signal.reason : error;
      const isHandshake = (thrown as { code?: string }).code === 'EPROTO';
      // An insecure registry is asked in the clear next.
      const isFinal = isHandshake && !tls?.insecure && this.#proxyFor(url) === false;
      const why = isFinal ? await explainHandshake(url, tls?.certificate !== undefined) : reason(thrown, url);
      throw new ConnectionFailure(
        `${describe(method, url)}: ${why}`,
        error,
        /^(dial|tls:|remote error:|http: server)/.test(why),
      );
    } finally {
      clearTimeout(timer);
    }
  }

  #tls({ authorities, certificate, key, insecure }: TlsSettings = {}) {
    this.#systemAuthorities ??= this.#options.systemAuthorities?.() ?? '';
    const ca = [this.#systemAuthorities || undefined, authorities].filter((pem) => pem !== undefined);
    return {
      ...(ca.length > 0 && { ca }),
      ...(certificate !== undefined && key !== undefined && { cert: certificate, key }),
      ...(insecure && { rejectUnauthorized: false }),
    };
  }

  /** `false` keeps the runtime from taking the environment's by itself. */
  #proxyFor(url: URL): string | false {
    const { http, https } = this.#options.proxies;
    const proxy = url.protocol === 'https:' ? https : http;
    if (proxy === '' || this.#bypass(url.host)) return false;
    return proxy.includes('://') ? proxy : `http://${proxy}`;
  }
}

class TimedOut extends Error {}

function parseLocation(location: string, base: URL): URL {
  const next = URL.parse(location, base.href);
  if (!next || !/^https?:$/.test(next.protocol)) {
    throw new ConnectionFailure(`${describe('GET', base)}: redirect to an address that is none`, undefined);
  }
  return next;
}

function withoutAuthorization(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'));
}

/** Go's form, which clients match on: `Get "https://host/v2/"`. Query strings may hold signatures and stay out. */
export function describe(method: string, url: URL): string {
  return `${method[0]}${method.slice(1).toLowerCase()} "${url.origin}${url.pathname}"`;
}

function reason(error: unknown, { hostname, host, protocol, port }: URL): string {
  if (error instanceof TimedOut) return 'net/http: timeout awaiting response headers';
  const { code, message } = error as { code?: string; message: string };
  const address = port === '' ? `${host}:${protocol === 'https:' ? 443 : 80}` : host;
  switch (code) {
    case 'ConnectionRefused':
    case 'ECONNREFUSED':
      return `dial tcp ${address}: connect: connection refused`;
    case 'FailedToOpenSocket':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${hostname}: no such host`;
    case 'ECONNRESET':
    case 'ConnectionClosed':
      return 'EOF';
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
    case 'CERT_HAS_EXPIRED':
      return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `tls: failed to verify certificate: x509: certificate is not valid for ${hostname}`;
    case 'EPROTO':
      return 'tls: first record does not look like a TLS handshake';
  }
  return message;
}

/** Go's rules for NO_PROXY: `*`, a domain and what is below it, an address, a CIDR, each with or without a port. */
export function proxyBypass(list: string): (host: string) => boolean {
  const rules = list
    .split(',')
    .map((rule) => rule.trim().toLowerCase())
    .filter((rule) => rule !== '');
  return (host) => {
    const { hostname, port } = splitPort(host.toLowerCase());
    if (hostname === 'localhost' || hostname === '::1' || /^127(\.\d+){3}$/.test(hostname)) return true;
    return rules.some((rule) => matchesRule(rule, hostname, port));
  };
}

function matchesRule(rule: string, hostname: string, port: string): boolean {
  if (rule === '*') return true;
  if (rule.includes('/')) return inCidr(hostname, rule);
  const wanted = splitPort(rule);
  if (wanted.port !== '' && wanted.port !== port) return false;
  const domain = wanted.hostname.replace(/^\*?\./, '');
  if (hostname === domain) return !/^\*?\./.test(wanted.hostname);
  return hostname.endsWith(`.${domain}`);
}

function splitPort(host: string): { hostname: string; port: string } {
  const match = /^(?:\[([^\]]+)\]|([^:]*)|(.*))(?::(\d+))?$/.exec(host);
  return { hostname: match?.[1] ?? match?.[2] ?? match?.[3] ?? host, port: match?.[4] ?? '' };
}

/** IPv4 only: what a registry or a rule has in IPv6 is compared as text. */
export function inCidr(address: string, cidr: string): boolean {
  const [base = '', bits = '32'] = cidr.split('/');
  const a = ipv4Number(address);
  const b = ipv4Number(base);
  if (a === undefined || b === undefined) return address === base;
  const shift = 32 - Number(bits);
  return shift >= 32 || a >>> shift === b >>> shift;
}

function ipv4Number(text: string): number | undefined {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) return undefined;
  return parts.reduce((value, part) => value * 256 + part, 0) >>> 0;
}
