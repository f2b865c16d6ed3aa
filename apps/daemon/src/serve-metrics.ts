import { EngineError, invalidArgument } from '@wharf/base/error';
import type { Logger } from '@wharf/base/logger';
import { parseMetricsAddress } from './config/check-settings.ts';

/** `--metrics-addr`: Prometheus' text at `/metrics`, and nothing else. Returns what stops it. */
export function serveMetrics(address: string, collect: () => Promise<string>, logger: Logger): () => void {
  if (address === '') return () => {};
  const { host, port } = parseMetricsAddress(address);
  const server = listen(address, {
    hostname: host,
    port,
    fetch: async (request) => {
      if (new URL(request.url).pathname !== '/metrics') return new Response('404 page not found\n', { status: 404 });
      if (request.method !== 'GET' && request.method !== 'HEAD') return new Response(null, { status: 405 });
      return new Response(await collect(), { headers: { 'Content-Type': 'text/plain; version=0.0.4' } });
    },
    error(error) {
      logger.error('Cannot tell metrics', { error: EngineError.from(error).message });
      return new Response(null, { status: 500 });
    },
  });
  logger.info(`Metrics listen on ${address}`);
  return () => void server.stop(true);
}

type ServeOptions = Parameters<typeof Bun.serve>[0];

function listen(address: string, options: ServeOptions) {
  try {
    return Bun.serve(options);
  } catch (error) {
    throw invalidArgument(`cannot serve metrics on ${address}: ${error instanceof Error ? error.message : error}`);
  }
}
