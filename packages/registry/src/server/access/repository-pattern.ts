/** `team/*` is one level, `team/**` any, `**` everything. */
export type RepositoryPattern = (repository: string) => boolean;

export function parseRepositoryPattern(text: string): RepositoryPattern {
  const source = text
    .split(/(\*\*|\*|\?)/)
    .map((part) => wildcards[part] ?? part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('');
  const expression = new RegExp(`^${source}$`);
  return (repository) => expression.test(repository);
}

const wildcards: Readonly<Record<string, string>> = { '**': '.*', '*': '[^/]*', '?': '[^/]' };
