import { invalidArgument } from '@wharf/base/error';

export interface SecurityOptions {
  readonly noNewPrivileges: boolean;
  /** `unconfined`, `builtin`, a profile's JSON; undefined is the daemon's default. */
  readonly seccomp: string | undefined;
  /** undefined is the daemon's default. */
  readonly apparmor: string | undefined;
  /** SELinux: `user:x`, `disable`... */
  readonly labels: readonly string[];
  readonly unconfinedSystemPaths: boolean;
  /** /sys/fs/cgroup writable in a private cgroup namespace; undefined is the daemon's default (no). */
  readonly writableCgroups: boolean | undefined;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Parses `SecurityOpt`. Throws `invalid --security-opt 1: "x"` (no value) or `... 2: "x"` (unknown, or a bad value). */
export function parseSecurityOptions(
  options: readonly string[] | null,
  defaults: { readonly noNewPrivileges: boolean } = { noNewPrivileges: false },
): SecurityOptions {
  const labels: string[] = [];
  const parsed: Mutable<SecurityOptions> = {
    noNewPrivileges: defaults.noNewPrivileges,
    seccomp: undefined,
    apparmor: undefined,
    labels,
    unconfinedSystemPaths: false,
    writableCgroups: undefined,
  };
  for (const option of options ?? []) {
    if (option === 'no-new-privileges') parsed.noNewPrivileges = true;
    else if (option === 'disable') labels.push('disable');
    else if (option === 'writable-cgroups') parsed.writableCgroups = true;
    else applyPair(parsed, labels, option);
  }
  return parsed;
}

function applyPair(parsed: Mutable<SecurityOptions>, labels: string[], option: string): void {
  // Old clients separate by a colon.
  const at = option.includes('=') ? option.indexOf('=') : option.indexOf(':');
  if (at < 0) throw invalidArgument(`invalid --security-opt 1: ${JSON.stringify(option)}`);
  const key = option.slice(0, at);
  const value = option.slice(at + 1);
  switch (key) {
    case 'label':
      labels.push(value);
      return;
    case 'apparmor':
      parsed.apparmor = value;
      return;
    case 'seccomp':
      parsed.seccomp = value;
      return;
    case 'no-new-privileges':
      parsed.noNewPrivileges = parseBoolean(value, option);
      return;
    case 'writable-cgroups':
      parsed.writableCgroups = parseBoolean(value, option);
      return;
    case 'systempaths':
      if (value !== 'unconfined') break;
      parsed.unconfinedSystemPaths = true;
      return;
  }
  throw invalidArgument(`invalid --security-opt 2: ${JSON.stringify(option)}`);
}

/** Go's strconv.ParseBool. */
function parseBoolean(text: string, option: string): boolean {
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(text)) return false;
  throw invalidArgument(`invalid --security-opt 2: ${JSON.stringify(option)}`);
}
