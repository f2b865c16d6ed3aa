import type { MountPoint } from '@wharf/api/container';
import type { ContainerMount } from './container-record.ts';

/** A mount as inspect and list show it. */
export function mountPoint(mount: ContainerMount): MountPoint {
  const { type, name, source, destination, driver, mode, readOnly, propagation } = mount;
  const common = { Destination: destination, Mode: mode, RW: !readOnly, Propagation: propagation };
  switch (type) {
    case 'volume':
      return { Type: 'volume', Name: name, Source: source, ...common, Driver: driver };
    case 'bind':
      return { Type: 'bind', Source: source, ...common };
    case 'image':
      return { Type: 'image', Name: name, Source: source, ...common };
    case 'tmpfs':
      return { Type: 'tmpfs', Source: '', ...common };
  }
}
