import type { EventPublisher } from '../events.ts';
import type { ContainerMount, ContainerRecord } from './container-record.ts';

/** A container's event: its labels, image and name are attributes, and what the action adds. */
export function publishContainer(
  events: EventPublisher,
  { id, name, config, image }: ContainerRecord,
  action: string,
  extra: Readonly<Record<string, string>> = {},
): void {
  const attributes = { ...config.Labels, image: image.name, name, ...extra };
  events.publish({ type: 'container', action, id, attributes });
}

/** A volume is mounted for a run of a container. */
export function publishVolumeMount(events: EventPublisher, container: string, mount: ContainerMount): void {
  const { name, driver, destination, readOnly, propagation } = mount;
  const attributes = { container, destination, driver, propagation, 'read/write': String(!readOnly) };
  events.publish({ type: 'volume', action: 'mount', id: name, attributes });
}

export function publishVolumeUnmount(
  events: EventPublisher,
  container: string,
  { name, driver }: ContainerMount,
): void {
  events.publish({ type: 'volume', action: 'unmount', id: name, attributes: { container, driver } });
}
