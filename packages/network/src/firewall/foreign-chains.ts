import { hasErrno } from '@wharf/sys/errno';
import { forwardHook, listHookedChains, listRules, type NftFamily, NftTransaction } from '@wharf/sys/netlink/nftables';
import type { NetlinkSocket } from '@wharf/sys/netlink/socket';
import { acceptAdmitted } from './chains.ts';

interface ForeignChain {
  readonly family: NftFamily;
  readonly table: string;
  readonly name: string;
}

/**
 * Chains of others at the forward hook that drop what they do not know, by their policy (iptables after dockerd or
 * ufw) or by their last rule (firewalld, the iptables rules that some distributions come with). A verdict of ours
 * cannot overrule them, so each gets one rule at its head that accepts what our own chain has marked. Nothing that our
 * chain did not admit passes them more easily than before.
 */
export function droppingChains(socket: NetlinkSocket, ownTable: string): ForeignChain[] {
  return listHookedChains(socket)
    .filter(({ hook, family, table }) => hook === forwardHook && ipFamilies.includes(family) && table !== ownTable)
    .filter(({ policy, family, table, name }) => {
      return policy === 'drop' || listRules(socket, { family, name: table }, name).at(-1)?.dropsAll === true;
    })
    .map(({ family, table, name }) => ({ family, table, name }));
}

const ipFamilies: readonly NftFamily[] = ['ip', 'ip6', 'inet'];

/** `comment` tells one daemon's rule from another's. */
export function admitsOurs(socket: NetlinkSocket, { family, table, name }: ForeignChain, comment: string): boolean {
  return listRules(socket, { family, name: table }, name).some((rule) => rule.comment === comment);
}

/** False where the chain went away meanwhile, or does not let anybody write into it. */
export function insertAdmission(
  socket: NetlinkSocket,
  { family, table, name }: ForeignChain,
  comment: string,
): boolean {
  const rule = { rule: acceptAdmitted, comment };
  try {
    new NftTransaction().insertRule({ family, name: table }, name, rule).commit(socket, `accept in ${table} ${name}`);
    return true;
  } catch (error) {
    if (hasErrno(error, 'ENOENT') || hasErrno(error, 'EPERM')) return false;
    throw error;
  }
}

/** Takes our rule out of all chains of others, whatever their policy is now. */
export function removeAdmissions(socket: NetlinkSocket, comment: string): void {
  for (const { family, table, name, hook } of listHookedChains(socket)) {
    if (hook !== forwardHook || !ipFamilies.includes(family)) continue;
    for (const rule of listRules(socket, { family, name: table }, name)) {
      if (rule.comment !== comment) continue;
      new NftTransaction()
        .deleteRule({ family, name: table }, name, rule.handle)
        .commit(socket, `remove a rule of ${table} ${name}`);
    }
  }
}
