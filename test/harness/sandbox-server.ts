import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Sandbox } from './sandbox.ts';

/** A program in the sandbox that others connect to. */
export interface SandboxServer {
  close(): Promise<void>;
}

/** Starts it, and waits until it listens on `host`, an address and port. */
export async function startServer(sandbox: Sandbox, argv: readonly string[], host: string): Promise<SandboxServer> {
  const [command = '', ...args] = sandbox.enter(argv);
  const child = spawn(command, args, { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const attempt = `(exec 3<>/dev/tcp/${host.replace(':', '/')}) 2>/dev/null`;
  const up = await sandbox.run(['bash', '-c', `for i in {1..500}; do ${attempt} && exit; sleep 0.02; done; exit 1`]);
  if (up.code !== 0) throw new Error(`${argv[0]} did not start`);
  return {
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      // What runs in the sandbox is the child of the program that went in.
      process.kill(Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim()));
      await ended;
    },
  };
}
