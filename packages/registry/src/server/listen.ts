import type { Logger } from '@wharf/base/logger';

export interface ListenOptions {
  readonly hostname: string;
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string } | undefined;
  readonly handle: (request: Request, peer: string) => Promise<Response>;
  readonly logger: Logger;
}

export interface Listener {
  /** With scheme, host and port as it came out. */
  readonly address: string;
  readonly port: number;
  /** Stops accepting, and waits a while for what is under way. */
  close(): Promise<void>;
}

/** Nothing of a body arrives or leaves for so many seconds: Bun's longest. */
const idleSeconds = 255;
const closeSeconds = 10;

/**
 * The one place that knows Bun's HTTP server. It sends files from the page cache by sendfile(2), and holds 64 KB of a
 * body at a time: see docs/adr/0008-registry-on-bun-serve.md.
 */
export function listen({ hostname, port, tls, handle, logger }: ListenOptions): Listener {
  const server = Bun.serve({
    hostname,
    port,
    idleTimeout: idleSeconds,
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    ...(tls && {
      tls: {
        cert: tls.cert,
        key: tls.key,
        ...(tls.ca !== undefined && { ca: tls.ca, requestCert: true, rejectUnauthorized: true }),
      },
    }),
    fetch: (request, self) => handle(request, self.requestIP(request)?.address ?? ''),
    error(error) {
      logger.error('Cannot answer', { error: error.stack ?? error.message });
      return new Response(null, { status: 500 });
    },
  });
  const host = hostname.includes(':') ? `[${hostname}]` : hostname;
  return {
    address: `${tls ? 'https' : 'http'}://${host}:${server.port}`,
    port: server.port!,
    async close() {
      const timer = setTimeout(() => void server.stop(true), closeSeconds * 1000);
      await server.stop();
      clearTimeout(timer);
    },
  };
}
