import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

/** Which engine the cases run against: `TARGET=docker` asks the machine's dockerd, to learn what is right. */
export const target = process.env.TARGET === 'docker' ? 'docker' : 'wharf';

export const repository = join(import.meta.dirname, '../..');

const dockerdVersion = target === 'docker' ? readDockerdVersion() : undefined;

/** Options of a case that dockerd answers so only since this version, such as `25.0`. */
export function dockerSince(version: string): { skip: string | false } {
  if (!dockerdVersion || isAtLeast(dockerdVersion, version)) return { skip: false };
  return { skip: `dockerd ${dockerdVersion} is older than ${version}` };
}

/** Options of a case about what dockerd does not have. */
export function wharfOnly(): { skip: string | false } {
  return { skip: target === 'docker' && 'not a feature of dockerd' };
}

/** The major version of the docker command whose words and flags ours are compared with. */
const comparedCommand = '28';
let foundCommand: string | undefined;

/** Options of a case about words and flags of the docker command: other versions have others. */
export function comparedDocker(): { skip: string | false } {
  foundCommand ??= execFileSync('docker', ['--version'], { encoding: 'utf8' }).match(/version (\d+)/)![1]!;
  if (foundCommand !== comparedCommand) return { skip: `this is docker ${foundCommand}, not ${comparedCommand}` };
  return { skip: false };
}

/** Whether a version's major and minor number are at least those wanted. */
export function isAtLeast(version: string, wanted: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function readDockerdVersion(): string {
  return execFileSync('dockerd', ['--version'], { encoding: 'utf8' }).match(/version (\d+\.\d+)/)![1]!;
}
