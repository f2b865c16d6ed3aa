import { Cli } from './cli.ts';
import type { Environment } from './config.ts';
import { globalFlags } from './flags/global.ts';
import { parseFlags } from './flags/parse.ts';
import { MemoryOutput } from './terminal/output.ts';

export interface TestCli {
  readonly cli: Cli;
  readonly out: MemoryOutput;
  readonly err: MemoryOutput;
}

/** A client with its own environment, whose output is kept. For tests. */
export function createTestCli(environment: Partial<Environment> = {}, globals: readonly string[] = []): TestCli {
  const out = new MemoryOutput();
  const err = new MemoryOutput();
  const empty: Environment = {
    home: '/nowhere',
    host: undefined,
    context: undefined,
    configDirectory: '/nowhere/.docker',
    apiVersion: undefined,
    tlsVerify: false,
    tls: false,
    certPath: undefined,
    defaultPlatform: undefined,
    lookup: () => undefined,
    names: () => [],
  };
  const { values } = parseFlags(globalFlags, globals);
  return { cli: new Cli({ ...empty, ...environment }, values, out, err), out, err };
}
