/** What a request is about, by its path. The methods are looked at later, so that a wrong one can be told apart. */
export type Target =
  | { readonly kind: 'base' }
  | { readonly kind: 'catalog' }
  | { readonly kind: 'tags'; readonly repository: string }
  | { readonly kind: 'manifest'; readonly repository: string; readonly reference: string }
  | { readonly kind: 'blob'; readonly repository: string; readonly digest: string }
  | { readonly kind: 'uploads'; readonly repository: string }
  | { readonly kind: 'upload'; readonly repository: string; readonly id: string }
  | { readonly kind: 'referrers'; readonly repository: string; readonly digest: string };

/**
 * Reads a path below `/v2`. A repository may itself be called `blobs` or `manifests`, so the end of the path decides.
 * Undefined for a path that the specification does not have.
 */
export function parseRequestPath(path: string): Target | undefined {
  if (path === '/v2' || path === '/v2/') return { kind: 'base' };
  if (path === '/v2/_catalog') return { kind: 'catalog' };
  if (!path.startsWith('/v2/')) return undefined;
  const parts = path.slice('/v2/'.length).split('/');
  const last = parts.at(-1)!;
  const noun = parts.at(-2);
  const nameBefore = (count: number) => parts.slice(0, -count).join('/');
  if (parts.length > 3 && noun === 'uploads' && parts.at(-3) === 'blobs') {
    const repository = nameBefore(3);
    return last === '' ? { kind: 'uploads', repository } : { kind: 'upload', repository, id: last };
  }
  if (parts.length < 3) return undefined;
  const repository = nameBefore(2);
  if (noun === 'tags' && last === 'list') return { kind: 'tags', repository };
  if (noun === 'manifests') return { kind: 'manifest', repository, reference: last };
  if (noun === 'blobs' && last === 'uploads') return { kind: 'uploads', repository };
  if (noun === 'blobs') return { kind: 'blob', repository, digest: last };
  if (noun === 'referrers') return { kind: 'referrers', repository, digest: last };
  return undefined;
}
