import type { ExporterRequest } from '../exporters/exporter-request.ts';
import type { CacheOptionsEntry, SolveRequest } from '../pb/control_pb.ts';

interface RequestedCaches {
  readonly imports: readonly ExporterRequest[];
  readonly exports: readonly ExporterRequest[];
}

/** The caches that a client names, also in the words of older ones. */
export function cachesOf({ Cache, FrontendAttrs }: Pick<SolveRequest, 'Cache' | 'FrontendAttrs'>): RequestedCaches {
  const imports = [
    ...(Cache?.Imports ?? []).map(decodeCacheEntry),
    ...(Cache?.ImportRefsDeprecated ?? []).map((ref) => ({ type: 'registry', attributes: { ref } })),
  ];
  const exports = (Cache?.Exports ?? []).map(decodeCacheEntry);
  const { ExportRefDeprecated: ref = '', ExportAttrsDeprecated: attributes = {} } = Cache ?? {};
  if (ref !== '') exports.push({ type: 'registry', attributes: { ...attributes, ref } });
  const isInline = /^(1|t|true)$/i.test(FrontendAttrs['build-arg:BUILDKIT_INLINE_CACHE'] ?? '');
  if (isInline && !exports.some(({ type }) => type === 'inline')) exports.push({ type: 'inline', attributes: {} });
  return { imports, exports };
}

/** One cache as Control and the gateway name it. */
export function decodeCacheEntry({
  Type: type,
  Attrs: attributes,
}: Pick<CacheOptionsEntry, 'Type' | 'Attrs'>): ExporterRequest {
  return { type, attributes };
}
