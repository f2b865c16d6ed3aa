import type { HostConfig } from '@wharf/api/container';
import { invalidArgument, notImplemented } from '@wharf/base/error';
import { parseSeccompProfile } from '@wharf/runtime/seccomp/profile';
import { parseSecurityOptions } from '@wharf/runtime/spec/security-options';
import type { HostFacts } from './host-facts.ts';

export function validateSecurityOptions({ SecurityOpt, Privileged }: HostConfig, facts: HostFacts): void {
  const { seccomp, apparmor, labels, writableCgroups } = parseSecurityOptions(SecurityOpt);
  if (seccomp !== undefined && seccomp !== 'unconfined' && seccomp !== 'builtin') {
    if (!facts.seccomp)
      throw invalidArgument('seccomp is not enabled in your kernel, cannot run a custom seccomp profile');
    parseSeccompProfile(seccomp);
  }
  if (apparmor !== undefined && apparmor !== 'unconfined' && facts.apparmor) {
    throw notImplemented(`AppArmor profile "${apparmor}"`);
  }
  // Without SELinux every label is as good as none, as in Docker.
  for (const label of labels) validateLabel(label);
  if (writableCgroups && Privileged) return;
}

function validateLabel(label: string): void {
  if (label === 'disable' || label === 'nested') return;
  const [key = '', value] = label.split(/:(.*)/s);
  if (value === undefined || !['user', 'role', 'type', 'level', 'filetype'].includes(key)) {
    throw invalidArgument(
      `Bad label option "${label}", valid options 'disable' or \n'user, role, level, type, filetype' followed by ':' and a value`,
    );
  }
}
