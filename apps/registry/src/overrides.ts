import type { Overrides } from '@wharf/registry/server/config';
import type { Values } from './commands.ts';

export function overridesFrom(values: Values): Overrides {
  return {
    config: text(values.config),
    root: text(values.root),
    listen: values.listen as string[] | undefined,
    users: text(values.users),
    tlsCert: text(values['tls-cert']),
    tlsKey: text(values['tls-key']),
    upstreams: values.upstream as string[] | undefined,
    anonymousPull: flag(values['anonymous-pull']),
    readOnly: flag(values['read-only']),
    noDelete: flag(values['no-delete']),
    accessLog: text(values['access-log']),
  };
}

export function text(value: Values[string]): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function flag(value: Values[string]): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined;
}
