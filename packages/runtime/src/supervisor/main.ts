import { mkdirSync, openSync, rmSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { tryLockFile } from '@wharf/sys/descriptor';
import { NullDevices } from '@wharf/sys/null-device';
import { becomeSubreaper } from '@wharf/sys/process';
import { Reactor } from '@wharf/sys/reactor';
import { listenUnix } from '@wharf/sys/unix-socket';
import { JoinableContainers } from '../direct-exec/joinable-containers.ts';
import { compressFile } from '../logs/compress.ts';
import { logScratchSize, now } from '../logs/json-file-writer.ts';
import { adoptContainers } from './adopt.ts';
import { Children } from './children.ts';
import { ContainerCgroups } from './container-cgroups.ts';
import { ContainerRecords } from './container-records.ts';
import { ExitRecords } from './exit-records.ts';
import { LogForwarder } from './log-forwarder.ts';
import { ProcessTable } from './managed-process.ts';
import { protocolVersion, socketName, supervisorDirectory } from './protocol.ts';
import { ScratchFiles } from './scratch-files.ts';
import { SupervisorServer } from './server.ts';
import { scratchSize } from './stdio.ts';
import type { SupervisorDeps } from './supervisor-deps.ts';
import { Tidier } from './tidier.ts';
import { handOver, restoreProcesses, saveProcesses, takeOver } from './upgrade.ts';

/**
 * The supervisor's program: `--exec-root DIR` and `--command JSON`, the command that runs it. It ends when it is
 * told to and nothing is left to watch, never otherwise; it says what goes wrong on its stderr.
 */
export function superviseContainers(argv: readonly string[]): void {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      'exec-root': { type: 'string' },
      command: { type: 'string', default: '[]' },
      resume: { type: 'string' },
      compress: { type: 'string' },
      to: { type: 'string' },
      log: { type: 'string' },
      forward: { type: 'boolean' },
      check: { type: 'boolean' },
    },
  });
  if (values.check) return;
  if (values.compress !== undefined) {
    compressFile(values.compress, values.to ?? '', values.log ?? '').catch((error: unknown) => {
      warn('compressing a log', error);
      process.exitCode = 1;
    });
    return;
  }
  if (values.forward) {
    void forward();
    return;
  }
  const execRoot = values['exec-root'];
  if (execRoot === undefined) throw new Error('the supervisor needs --exec-root');
  const command = JSON.parse(values.command) as string[];
  // Whoever wants to end containers asks for it: a signal meant for the daemon's group must not.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => {});
  becomeSubreaper();
  supervise(execRoot, command, values.resume === undefined ? undefined : Number(values.resume));
}

/** What it needs is not for the process that stays. */
async function forward(): Promise<void> {
  const { forwardLogs } = await import('../logs/forward/forwarder.ts');
  await forwardLogs(warn);
  process.exit(0);
}

function supervise(execRoot: string, command: readonly string[], resume: number | undefined): void {
  const directory = supervisorDirectory(execRoot);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const saved = resume === undefined ? undefined : takeOver(resume);
  const lock = saved?.lock ?? openSync(`${directory}/lock`, 'w', 0o600);
  // Another supervisor serves this exec-root: the daemon finds that one.
  if (!saved && !tryLockFile(lock)) return;

  const reactor = new Reactor((error) => warn('in the loop', error));
  const deps = createDeps(reactor, directory, command, {
    exited: (exit) => server.publish(exit),
    delivered: () => server.endIfDone(),
  });
  const args = (next: readonly string[]) => ['--exec-root', execRoot, '--command', JSON.stringify(next)];
  const server: SupervisorServer = new SupervisorServer(deps, {
    async upgrade(next, answer) {
      const nothing = openSync('/dev/null', 'r+');
      const code = await deps.children.run([...next, '--check'], [nothing, nothing, nothing]);
      if (code !== 0) throw new Error(`cannot upgrade the supervisor: ${next.join(' ')} exits with ${code}`);
      return handOver(next, args(next), { listener, lock, answer, server: server.save(), ...saveProcesses(deps) });
    },
    end() {
      rmSync(`${directory}/${socketName}`, { force: true });
      reactor.stop();
    },
  });
  if (saved) restoreProcesses(deps, saved);
  else adoptContainers(deps);
  const listener = saved?.listener ?? listenUnix(`${deps.socketDirectory}/${socketName}`, 128);
  if (saved) server.restore(saved.server, saved.answer);
  server.listen(listener);
  deps.children.reap();
  reactor.run();
  process.exit(0);
}

function createDeps(
  reactor: Reactor,
  directory: string,
  command: readonly string[],
  news: { exited: SupervisorDeps['publish']; delivered: () => void },
): SupervisorDeps & { socketDirectory: string } {
  const children = new Children(reactor);
  const tidier = new Tidier(reactor);
  const nothing = openSync('/dev/null', 'r+');
  return {
    reactor,
    processes: new ProcessTable(),
    exits: new ExitRecords(`${directory}/exits`),
    containers: new ContainerRecords(`${directory}/containers`),
    stdio: { reactor, scratch: Buffer.alloc(scratchSize), warn, used: (bytes) => tidier.used(bytes) },
    publish: news.exited,
    warn,
    children,
    tidier,
    scratchFiles: new ScratchFiles(`${directory}/scratch`),
    cgroups: new ContainerCgroups(),
    forwarder: new LogForwarder({ reactor, children, command: [...command, '--forward'], warn, idle: news.delivered }),
    nullDevices: new NullDevices(),
    joinable: new JoinableContainers(),
    socketDirectory: `/proc/self/fd/${openSync(directory, 'r')}`,
    logScratch: Buffer.alloc(logScratchSize),
    async compress(source, target, log) {
      const args = ['--compress', source, '--to', target, '--log', log];
      const run = () => children.run([...command, ...args], [nothing, nothing, 2]);
      const code = await children.during(run);
      if (code !== 0) throw new Error(`compressing ${source} exits with ${code}`);
    },
  };
}

function warn(what: string, error: unknown): void {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${now()} protocol ${protocolVersion}: ${what}: ${text}\n`);
}

if (import.meta.main) superviseContainers(process.argv.slice(2));
