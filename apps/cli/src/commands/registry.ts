import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { atLeast, defineCommand } from './command.ts';

const subcommands = ['serve', 'gc', 'ls', 'rm', 'user', 'token'];

/** The registry is a program of its own, which the client knows nothing of but where it lies. */
export const command = defineCommand({
  usage: 'COMMAND [OPTIONS]',
  args: atLeast(0),
  interspersed: false,
  complete: [subcommands],
  details: "Run 'wharf registry help' for its commands. 'wharf registry serve' needs no configuration.",
  flags: {},
  help: () => runRegistry(['--help']),
  run: (_cli, _flags, args) => runRegistry(args),
});

async function runRegistry(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [registryProgram(), ...args], { stdio: 'inherit' });
  // The terminal interrupts both; whoever ends the client alone means the registry.
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  process.on('SIGTERM', pass);
  process.on('SIGINT', () => {});
  return await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? (signal === 'SIGKILL' ? 137 : 143)));
  });
}

/** Beside the bundled client, or in the checkout. */
function registryProgram(): string {
  const here = dirname(Bun.main);
  const bundled = join(here, 'wharf-registry.js');
  return existsSync(bundled) ? bundled : join(here, '../../registry/src/main.ts');
}
