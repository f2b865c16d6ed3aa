import { spawn } from 'node:child_process';
import { EngineError } from '@wharf/base/error';

/** Characters of what git says that are kept. */
const outputLimit = 64 << 10;

/**
 * What the host's git may do with a repository of anybody's: no configuration, hook or credential of the host, no
 * question, and no transport that names files or programs of the host, also not by submodules.
 */
const environment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ASKPASS: '/bin/false',
  GIT_ALLOW_PROTOCOL: 'git:http:https',
};

const proxies = ['http_proxy', 'https_proxy', 'no_proxy', 'HTTPS_PROXY', 'NO_PROXY', 'ALL_PROXY'];

/** Answers what it printed. Files get the modes that they have in the repository, whatever the daemon's umask. */
export function runGit(
  args: readonly string[],
  { directory, signal }: { directory: string; signal: AbortSignal },
): Promise<string> {
  signal.throwIfAborted();
  const proxy = proxies.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  const script = 'umask 022; exec git -c core.hooksPath=/dev/null "$@"';
  const child = spawn('/bin/sh', ['-c', script, 'git', ...args], {
    cwd: directory,
    env: { ...environment, ...Object.fromEntries(proxy) },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: git's transports end with it.
    detached: true,
  });
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  };
  signal.addEventListener('abort', kill, { once: true });
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      printed[name] = (printed[name] + chunk.toString()).slice(-outputLimit);
    });
  }
  return new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      signal.removeEventListener('abort', kill);
      if (signal.aborted) reject(signal.reason);
      else if (code === 0) resolve(printed.stdout);
      else reject(failure(args, code, printed.stderr));
    });
  });
}

function failure(args: readonly string[], code: number | null, stderr: string): EngineError {
  if (code === 127) {
    return new EngineError('not_implemented', "cannot read a git repository: install git on the daemon's host");
  }
  const said = stderr.trim().replace(/(https?:\/\/)[^/@\s]*@/g, '$1xxxxx@');
  const verb = args.find((word) => /^[a-z]+$/.test(word)) ?? '';
  return new EngineError('invalid_argument', `git ${verb} failed: ${said || `exit status ${code}`}`);
}
