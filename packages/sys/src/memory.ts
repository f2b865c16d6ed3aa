/** Collects garbage and gives free pages back to the kernel: for a process that goes to sleep. */
export function releaseMemory(): void {
  Bun.gc(true);
}
