import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { keysDirectory } from '@wharf/build/ops/step-keys';
import { unmountAll } from '@wharf/sys/mount';

/** Removes the workspaces that steps of an earlier daemon have left, and with them the secrets that those had. */
export function removeWork(directory: string): void {
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    unmountAll(join(directory, name, keysDirectory));
  }
  rmSync(directory, { recursive: true, force: true });
}
