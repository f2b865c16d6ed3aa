import { bool, list, text, type Values } from './flag.ts';

/** Flags before the command. */
export const globalFlags = {
  config: text('Directory of the client\'s configuration files (default "~/.docker")', { complete: 'file' }),
  context: text('Context whose daemon to talk to; wins over DOCKER_HOST and over "wharf context use"', {
    short: 'c',
    complete: 'context',
  }),
  debug: bool('Say more about what happens', { short: 'D' }),
  host: list('Socket of the daemon to talk to', { short: 'H', complete: 'none' }),
  'log-level': text('How much to log: "debug", "info", "warn", "error" or "fatal"', {
    short: 'l',
    initial: 'info',
    complete: ['debug', 'info', 'warn', 'error', 'fatal'],
  }),
  tls: bool('Use TLS; --tlsverify implies it'),
  tlscacert: text('Trust only daemons whose certificate this CA signed (default "~/.docker/ca.pem")', {
    complete: 'file',
  }),
  tlscert: text('Certificate to present (default "~/.docker/cert.pem")', { complete: 'file' }),
  tlskey: text('Key of that certificate (default "~/.docker/key.pem")', { complete: 'file' }),
  tlsverify: bool("Use TLS and check the daemon's certificate"),
  version: bool('Print the version and quit', { short: 'v' }),
} as const;

export type GlobalValues = Values<typeof globalFlags>;
