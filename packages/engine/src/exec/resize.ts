import type { ContainerDeps } from '../engine-deps.ts';

/** Before the process exists the size is remembered. */
export async function resizeExec(
  { execs, supervisor }: Pick<ContainerDeps, 'execs' | 'supervisor'>,
  execId: string,
  size: { readonly rows: number; readonly columns: number },
): Promise<void> {
  const { id, containerId } = execs.find(execId);
  await supervisor.resize(containerId, id, size);
}
