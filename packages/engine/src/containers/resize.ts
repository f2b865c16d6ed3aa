import type { ContainerDeps } from '../engine-deps.ts';
import { publishContainer } from './publish.ts';

/** Before the process exists the size is remembered: clients send it right around the start. */
export async function resizeContainer(
  { containers, supervisor, events }: Pick<ContainerDeps, 'containers' | 'supervisor' | 'events'>,
  idOrName: string,
  size: { readonly rows: number; readonly columns: number },
): Promise<void> {
  const record = containers.find(idOrName);
  await supervisor.resize(record.id, undefined, size);
  publishContainer(events, record, 'resize', { height: String(size.rows), width: String(size.columns) });
}
