import { notImplemented } from '@wharf/base/error';
import { emptyDriver, type NetworkDriver } from './network-driver.ts';

/** Knows the name of a driver, and says that it is not there. */
export function unsupportedDriver(name: string): NetworkDriver {
  return {
    ...emptyDriver,
    validate() {
      throw notImplemented(`network driver ${name}`);
    },
  };
}
