import { invalidArgument } from '@wharf/base/error';

/** Where a git context comes from. */
export interface GitReference {
  readonly remote: string;
  /** Branch, tag or commit; '' is the default branch. */
  readonly ref: string;
  readonly subdirectory: string;
  readonly checksum: string;
  readonly keepGitDir: boolean | undefined;
  readonly submodules: boolean | undefined;
}

const transports = /^(?:git|ssh):\/\//;
const web = /^https?:\/\//;
/** `git@host:path`, without a scheme. */
const scp = /^[a-zA-Z0-9_-]+@[a-zA-Z0-9_.-]+:.+/;

/** undefined where it names no repository: https addresses are git's only where their path ends in `.git`. */
export function parseGitReference(text: string): GitReference | undefined {
  const { base, fragment } = splitFragment(text);
  const isGit =
    transports.test(base) ||
    scp.test(base) ||
    (web.test(base) && /\.git$/.test(base.replace(/\?.*$/, ''))) ||
    /^github\.com\/[^/]+\/[^/]+/.test(base);
  if (!isGit) return undefined;
  const question = base.indexOf('?');
  const address = question < 0 ? base : base.slice(0, question);
  const remote = address.startsWith('github.com/') ? `https://${address}` : address;
  return fromQuery(remote, fragment, question < 0 ? '' : base.slice(question + 1));
}

function splitFragment(text: string): { base: string; fragment: string } {
  const hash = text.indexOf('#');
  return hash < 0 ? { base: text, fragment: '' } : { base: text.slice(0, hash), fragment: text.slice(hash + 1) };
}

function fromQuery(remote: string, fragment: string, query: string): GitReference {
  const colon = fragment.indexOf(':');
  let ref = colon < 0 ? fragment : fragment.slice(0, colon);
  let subdirectory = colon < 0 ? '' : fragment.slice(colon + 1);
  let checksum = '';
  let keepGitDir: boolean | undefined;
  let submodules: boolean | undefined;
  for (const [key, value] of new URLSearchParams(query)) {
    switch (key) {
      case 'ref':
        ref = only(ref, value, 'ref');
        break;
      case 'branch':
        ref = only(ref, `refs/heads/${value}`, key);
        break;
      case 'tag':
        ref = only(ref, `refs/tags/${value}`, key);
        break;
      case 'subdir':
        subdirectory = only(subdirectory, value, key);
        break;
      case 'checksum':
      case 'commit':
        checksum = only(checksum, value, key);
        break;
      case 'keep-git-dir':
        keepGitDir = isTrue(value);
        break;
      case 'submodules':
        submodules = isTrue(value);
        break;
      default:
        throw invalidArgument(`unexpected query "${key}"`);
    }
  }
  return { remote, ref, subdirectory: subdirectory === '/' ? '' : subdirectory, checksum, keepGitDir, submodules };
}

function only(before: string, value: string, key: string): string {
  if (before !== '' && before !== value) throw invalidArgument(`${key} conflicts: "${before}" and "${value}"`);
  return value;
}

function isTrue(value: string): boolean {
  return value === '' || value === '1' || value === 'true';
}

/** `ref:subdirectory`, as the identifier of the source has it. */
export function gitFragment({ ref, subdirectory }: GitReference): string {
  return subdirectory === '' ? ref : `${ref}:${subdirectory}`;
}
