import { attributeText, decodeAttributes, NetlinkBatch } from './batch.ts';
import { dropsAll, encodeExpression, type NftExpression } from './nft-expression.ts';
import type { NetlinkMessage, NetlinkSocket } from './socket.ts';

const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
const messages = {
  newTable: 0,
  getTable: 1,
  delTable: 2,
  newChain: 3,
  getChain: 4,
  newRule: 6,
  getRule: 7,
  delRule: 8,
  newSet: 9,
  newSetElement: 12,
  delSetElement: 14,
  getGeneration: 16,
} as const;
const families = { inet: 1, ip: 2, ip6: 10, bridge: 7, netdev: 5, arp: 3 } as const;
const hooks = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } as const;
const NFT_SET_INTERVAL = 4;
const NFT_SET_MAP = 8;
const NFT_SET_ELEM_INTERVAL_END = 1;
const NFTA_SET_ELEM_FLAGS = 3;
const NFTA_RULE_HANDLE = 3;
const NFTA_RULE_EXPRESSIONS = 4;
const NFTA_RULE_USERDATA = 7;
const NFTA_SET_USERDATA = 13;
// Without it nft(8) lists every name as "". NFTNL_UDATA_SET_KEYBYTEORDER, its length, BYTEORDER_HOST_ENDIAN.
const keyInHostOrder = Uint8Array.of(0, 4, 1, 0, 0, 0);

export type NftFamily = keyof typeof families;
export type NftHook = keyof typeof hooks;

export interface NftTable {
  readonly family: NftFamily;
  readonly name: string;
}

export interface NftChain {
  readonly name: string;
  /** A chain without one is reached by jumps only. */
  readonly hook?: {
    readonly type: 'filter' | 'nat';
    readonly at: NftHook;
    readonly priority: number;
  };
  readonly rules: readonly NftRule[];
}

export type NftRule = readonly NftExpression[];

/** The types of nft(8), with their numbers there (the kernel only keeps them for listings) and sizes in registers. */
const dataTypes = {
  integer: { number: 4, length: 4 },
  ipv4_addr: { number: 7, length: 4 },
  ipv6_addr: { number: 8, length: 16 },
  // As part of a concatenation: 6 bytes in two registers of 4.
  ether_addr: { number: 9, length: 8 },
  inet_proto: { number: 12, length: 4 },
  inet_service: { number: 13, length: 4 },
  ifname: { number: 41, length: 16 },
} as const;
export type NftDataType = keyof typeof dataTypes;

export interface NftSet {
  readonly name: string;
  /** Several are a concatenation. */
  readonly key: readonly NftDataType[];
  /** Makes it a map. */
  readonly value?: readonly NftDataType[];
  /** Keys are ranges: each element needs `end`. */
  readonly interval?: boolean;
}

export interface NftElement {
  readonly key: Uint8Array;
  readonly value?: Uint8Array;
  /** The first key behind the range; undefined for a range that reaches the last key. */
  readonly end?: Uint8Array;
}

/** A transaction: the kernel does all of it or nothing. */
export class NftTransaction {
  readonly #batch = new NetlinkBatch();
  #setId = 0;

  constructor() {
    this.#batch.message(NFNL_MSG_BATCH_BEGIN, 0, header(0, NFNL_SUBSYS_NFTABLES));
  }

  commit(socket: NetlinkSocket, what: string): void {
    this.#batch.message(NFNL_MSG_BATCH_END, 0, header(0, NFNL_SUBSYS_NFTABLES));
    socket.transact(this.#batch, what);
  }

  /** Does nothing where it exists. */
  addTable({ family, name }: NftTable): this {
    this.#message('newTable', NLM_F_CREATE, family, (to) => void to.text(1, name).u32be(2, 0));
    return this;
  }

  deleteTable({ family, name }: NftTable): this {
    this.#message('delTable', 0, family, (to) => void to.text(1, name));
    return this;
  }

  /** Makes the chain only; its rules follow by `addRules`, so that chains can jump to each other. */
  addChain(table: NftTable, { name, hook }: NftChain): this {
    this.#message('newChain', NLM_F_CREATE, table.family, (to) => {
      to.text(1, table.name).text(3, name);
      if (!hook) return;
      to.nested(4, () => to.u32be(1, hooks[hook.at]).u32be(2, hook.priority));
      to.u32be(5, 1).text(7, hook.type);
    });
    return this;
  }

  addRules(table: NftTable, { name, rules }: NftChain): this {
    for (const rule of rules) {
      this.#message('newRule', NLM_F_CREATE | NLM_F_APPEND, table.family, (to) => {
        to.text(1, table.name).text(2, name);
        to.nested(4, () => {
          for (const expression of rule) encodeExpression(to, expression);
        });
      });
    }
    return this;
  }

  /** Puts a rule before all others of a chain that may be another's; the comment is how to find it again. */
  insertRule(table: NftTable, chain: string, { rule, comment }: { rule: NftRule; comment: string }): this {
    this.#message('newRule', NLM_F_CREATE, table.family, (to) => {
      to.text(1, table.name).text(2, chain);
      to.nested(4, () => {
        for (const expression of rule) encodeExpression(to, expression);
      });
      to.attribute(NFTA_RULE_USERDATA, Buffer.from(`\0${String.fromCharCode(comment.length + 1)}${comment}\0`));
    });
    return this;
  }

  deleteRule(table: NftTable, chain: string, handle: Uint8Array): this {
    this.#message('delRule', 0, table.family, (to) => {
      to.text(1, table.name).text(2, chain).attribute(NFTA_RULE_HANDLE, handle);
    });
    return this;
  }

  addSet(table: NftTable, { name, key, value, interval }: NftSet): this {
    this.#message('newSet', NLM_F_CREATE, table.family, (to) => {
      to.text(1, table.name).text(2, name);
      to.u32be(3, (interval ? NFT_SET_INTERVAL : 0) | (value ? NFT_SET_MAP : 0));
      to.u32be(4, typeNumber(key)).u32be(5, typeLength(key));
      if (value) to.u32be(6, typeNumber(value)).u32be(7, typeLength(value));
      to.u32be(10, ++this.#setId);
      if (key.length === 1 && key[0] === 'ifname') to.attribute(NFTA_SET_USERDATA, keyInHostOrder);
    });
    return this;
  }

  addElements(table: NftTable, set: string, elements: readonly NftElement[]): this {
    return this.#elements('newSetElement', NLM_F_CREATE, table, set, elements);
  }

  deleteElements(table: NftTable, set: string, elements: readonly NftElement[]): this {
    return this.#elements('delSetElement', 0, table, set, elements);
  }

  #elements(
    type: 'newSetElement' | 'delSetElement',
    flags: number,
    table: NftTable,
    set: string,
    elements: readonly NftElement[],
  ): this {
    // An attribute's length has 16 bits: a list of elements must stay below 64 KB.
    const chunk = 400;
    for (let start = 0; start < elements.length; start += chunk) {
      this.#message(type, flags, table.family, (to) => {
        to.text(1, table.name).text(2, set);
        to.nested(3, () => {
          for (const element of elements.slice(start, start + chunk)) encodeElement(to, element);
        });
      });
    }
    return this;
  }

  #message(type: keyof typeof messages, flags: number, family: NftFamily, body: (to: NetlinkBatch) => void): void {
    this.#batch.message((NFNL_SUBSYS_NFTABLES << 8) | messages[type], flags, header(families[family], 0), body);
  }
}

function encodeElement(to: NetlinkBatch, { key, value, end }: NftElement): void {
  to.nested(1, () => {
    to.nested(1, () => to.attribute(1, key));
    if (value) to.nested(2, () => to.attribute(1, value));
  });
  if (!end) return;
  to.nested(1, () => {
    to.u32be(NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
    to.nested(1, () => to.attribute(1, end));
  });
}

/** A number that changes with every change of a network namespace's rules, whoever makes it. */
export function rulesGeneration(socket: NetlinkSocket): number | undefined {
  const type = (NFNL_SUBSYS_NFTABLES << 8) | messages.getGeneration;
  const read = ({ body }: NetlinkMessage) => decodeAttributes(body.subarray(4)).get(1)?.readUInt32BE(0);
  return socket.get(type, header(0, 0), () => {}, read);
}

/** The names of the tables of a network namespace. */
export function listTables(socket: NetlinkSocket): NftTable[] {
  return socket.dump((NFNL_SUBSYS_NFTABLES << 8) | messages.getTable, header(0, 0), ({ body }) => {
    const family = familyName(body[0]!);
    return family && { family, name: attributeText(decodeAttributes(body.subarray(4)).get(1)) };
  });
}

export interface ListedRule {
  readonly handle: Uint8Array;
  readonly comment: string;
  /** It drops or rejects every packet that comes to it. */
  readonly dropsAll: boolean;
}

/** The rules of a chain, first to last. */
export function listRules(socket: NetlinkSocket, table: NftTable, chain: string): ListedRule[] {
  const type = (NFNL_SUBSYS_NFTABLES << 8) | messages.getRule;
  const read = ({ body }: NetlinkMessage) => {
    const found = decodeAttributes(body.subarray(4));
    // Kernels before 5.8 do not narrow a dump.
    if (attributeText(found.get(1)) !== table.name || attributeText(found.get(2)) !== chain) return undefined;
    return {
      handle: Uint8Array.from(found.get(NFTA_RULE_HANDLE) ?? []),
      comment: ruleComment(found.get(NFTA_RULE_USERDATA)),
      dropsAll: dropsAll(found.get(NFTA_RULE_EXPRESSIONS)),
    };
  };
  return socket.dump(type, header(families[table.family], 0), read, (to) => void to.text(1, table.name).text(2, chain));
}

/** NFTNL_UDATA_RULE_COMMENT: type 0, length, text with its NUL. */
function ruleComment(userdata: Buffer | undefined): string {
  if (!userdata || userdata.length < 2 || userdata[0] !== 0) return '';
  return attributeText(userdata.subarray(2, 2 + userdata[1]!));
}

/** The chains at a hook, with the policy that packets meet there. */
export function listHookedChains(
  socket: NetlinkSocket,
): { table: string; family: NftFamily; name: string; hook: number; policy: 'accept' | 'drop' }[] {
  return socket.dump((NFNL_SUBSYS_NFTABLES << 8) | messages.getChain, header(0, 0), ({ body }) => {
    const family = familyName(body[0]!);
    const found = decodeAttributes(body.subarray(4));
    const hook = found.get(4);
    if (!family || !hook) return undefined;
    return {
      family,
      table: attributeText(found.get(1)),
      name: attributeText(found.get(3)),
      hook: decodeAttributes(hook).get(1)?.readUInt32BE(0) ?? 0,
      policy: found.get(5)?.readUInt32BE(0) === 0 ? 'drop' : 'accept',
    };
  });
}

export const forwardHook = hooks.forward;

function familyName(number: number): NftFamily | undefined {
  for (const name of Object.keys(families) as NftFamily[]) if (families[name] === number) return name;
  return undefined;
}

/** struct nfgenmsg */
function header(family: number, resource: number): Uint8Array {
  return Uint8Array.of(family, 0, resource >> 8, resource & 255);
}

function typeNumber(types: readonly NftDataType[]): number {
  return types.reduce((number, type) => (number << 6) | dataTypes[type].number, 0);
}

function typeLength(types: readonly NftDataType[]): number {
  return types.reduce((length, type) => length + dataTypes[type].length, 0);
}
