import type { HostConfig } from '@wharf/api/container';
import { invalidArgument } from '@wharf/base/error';
import { parseSeccompProfile } from '@wharf/runtime/seccomp/profile';
import { parseSecurityOptions } from '@wharf/runtime/spec/security-options';
import type { HostFacts } from './host-facts.ts';

/**
 * SELinux labels are taken and have no effect, as in a Docker without SELinux. Answers what the client should know:
 * who asked for confinement and gets none is told.
 */
export function validateSecurityOptions({ SecurityOpt }: HostConfig, facts: HostFacts): string[] {
  const { seccomp, apparmor = '' } = parseSecurityOptions(SecurityOpt);
  if (seccomp !== undefined && seccomp !== 'unconfined' && seccomp !== 'builtin') {
    if (!facts.seccomp)
      throw invalidArgument('seccomp is not enabled in your kernel, cannot run a custom seccomp profile');
    parseSeccompProfile(seccomp);
  }
  if (facts.apparmor || apparmor === '' || apparmor === 'unconfined') return [];
  return [`Your kernel does not support AppArmor.  AppArmor profile ${JSON.stringify(apparmor)} discarded.`];
}
