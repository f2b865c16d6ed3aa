import { fluentdOptionNames, parseFluentdOptions } from './fluentd-options.ts';
import { gelfOptionNames, parseGelfOptions } from './gelf-options.ts';
import { checkSyslogOptions, syslogOptionNames } from './syslog-options.ts';

export type ForwardDriver = 'fluentd' | 'gelf' | 'journald' | 'syslog';

/** Everything that a delivery of a container's log to a receiver has to know. */
export interface Forwarding {
  readonly driver: ForwardDriver;
  /** As create was told them: valid. */
  readonly options: Readonly<Record<string, string>>;
  readonly container: LoggedContainer;
  readonly tag: string;
  /** Labels and variables that go along with each message. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Bytes that may wait for the receiver, the newest lost beyond; undefined holds the log's reading back instead. */
  readonly bufferSize?: number;
  /** Files that are not delivered stay, and the container is held back when they are full; else the oldest go. */
  readonly waits: boolean;
}

/** A container as receivers are told of it. */
export interface LoggedContainer {
  readonly id: string;
  /** Without a slash. */
  readonly name: string;
  readonly imageId: string;
  readonly imageName: string;
  readonly command: string;
  readonly created: string;
}

interface DriverOptions {
  readonly names: readonly string[];
  /** Throws Docker's texts. */
  readonly check: (options: Readonly<Record<string, string>>) => unknown;
}

/** The options of its own that each driver has. */
export const forwardDrivers: Readonly<Record<ForwardDriver, DriverOptions>> = {
  fluentd: { names: fluentdOptionNames, check: parseFluentdOptions },
  gelf: { names: gelfOptionNames, check: parseGelfOptions },
  journald: { names: [], check: () => {} },
  syslog: { names: syslogOptionNames, check: checkSyslogOptions },
};

export function isForwardDriver(name: string): name is ForwardDriver {
  return Object.hasOwn(forwardDrivers, name);
}
