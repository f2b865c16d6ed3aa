import { readFileSync, statSync } from 'node:fs';
import { parseResolvConf, type ResolvConf } from './resolv-conf.ts';

const checkEveryMilliseconds = 1000;
/** systemd-resolved's own list: /etc/resolv.conf then only names its stub. */
const resolvedUpstreams = '/run/systemd/resolve/resolv.conf';
const stub = '127.0.0.53';

/** The host's resolver settings, followed as they change. */
export class HostResolvConf {
  readonly #path: string;
  #checked = 0;
  #stamp = '';
  #current: ResolvConf = { nameservers: [], search: [], options: [] };

  constructor(path = '/etc/resolv.conf') {
    this.#path = path;
  }

  read(): ResolvConf {
    const now = performance.now();
    if (this.#stamp !== '' && now - this.#checked < checkEveryMilliseconds) return this.#current;
    this.#checked = now;
    const stamp = stampOf(this.#path);
    if (stamp === this.#stamp) return this.#current;
    this.#stamp = stamp;
    this.#current = parseFile(this.#path);
    if (this.#current.nameservers.length === 1 && this.#current.nameservers[0] === stub) {
      const { nameservers } = parseFile(resolvedUpstreams);
      if (nameservers.length > 0) this.#current = { ...this.#current, nameservers };
    }
    return this.#current;
  }
}

function stampOf(path: string): string {
  try {
    const { ino, mtimeMs, size } = statSync(path);
    return `${ino} ${mtimeMs} ${size}`;
  } catch {
    return 'absent';
  }
}

function parseFile(path: string): ResolvConf {
  try {
    return parseResolvConf(readFileSync(path, 'utf8'));
  } catch {
    return { nameservers: [], search: [], options: [] };
  }
}
