/** The patterns of a .dockerignore, ready for the matcher: comments gone, slashes at both ends gone, paths cleaned. */
export function parseDockerignore(text: string): string[] {
  const patterns: string[] = [];
  for (const line of text.replace(/^\uFEFF/, '').split(/\r?\n/)) {
    // Only in the first column: a pattern may hold a `#`.
    if (line.startsWith('#')) continue;
    const trimmed = line.trim();
    if (trimmed === '') continue;
    const invert = trimmed.startsWith('!');
    const pattern = clean(invert ? trimmed.slice(1).trim() : trimmed);
    patterns.push(invert ? `!${pattern}` : pattern);
  }
  return patterns;
}

/** As filepath.Clean, and without a leading slash, but for `/` itself. */
function clean(pattern: string): string {
  if (pattern === '') return '';
  const rooted = pattern.startsWith('/');
  const names: string[] = [];
  for (const name of pattern.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') names.push(name);
    else if (names.length > 0 && names.at(-1) !== '..') names.pop();
    else if (!rooted) names.push(name);
  }
  return names.join('/') || (rooted ? '/' : '.');
}
