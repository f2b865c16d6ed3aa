import { attributeText, decodeAttributeList, decodeAttributes, type NetlinkBatch } from './batch.ts';

/**
 * What a rule is made of, as the kernel has it: expressions that load registers, compare them, and act.
 * Registers 1 to 4 hold 16 bytes; 8 to 23 are the same space in 4-byte steps (8 = first quarter of 1).
 */
export type NftExpression =
  | { readonly expression: 'meta'; readonly key: keyof typeof metaKeys; readonly register: number }
  | { readonly expression: 'ct'; readonly key: keyof typeof ctKeys; readonly register: number }
  | { readonly expression: 'fib-daddr-type'; readonly register: number }
  | {
      readonly expression: 'payload';
      readonly base: keyof typeof payloadBases;
      readonly offset: number;
      readonly length: number;
      readonly register: number;
    }
  /** Writes a register into the packet, and mends the Internet checksum at `checksum`. */
  | {
      readonly expression: 'write-payload';
      readonly base: keyof typeof payloadBases;
      readonly offset: number;
      readonly length: number;
      readonly register: number;
      readonly checksum: number;
    }
  /** `and`, then `xor` where it is given: together they set and clear bits. */
  | {
      readonly expression: 'mask';
      readonly register: number;
      readonly mask: Uint8Array;
      readonly xor?: Uint8Array;
    }
  | { readonly expression: 'set-mark'; readonly register: number }
  | { readonly expression: 'compare'; readonly is: boolean; readonly register: number; readonly value: Uint8Array }
  | {
      readonly expression: 'lookup';
      readonly set: string;
      readonly register: number;
      /** Where a map's value goes. */
      readonly into?: number;
      readonly inverted?: boolean;
    }
  | { readonly expression: 'load'; readonly register: number; readonly value: Uint8Array }
  | {
      readonly expression: 'dnat';
      readonly family: 'ip' | 'ip6';
      readonly addressRegister: number;
      readonly portRegister: number;
    }
  | { readonly expression: 'snat'; readonly family: 'ip' | 'ip6'; readonly addressRegister: number }
  | { readonly expression: 'masquerade' }
  /** Of the table of connections. */
  | { readonly expression: 'notrack' }
  | { readonly expression: 'verdict'; readonly verdict: 'accept' | 'drop' | 'return' }
  | { readonly expression: 'jump'; readonly chain: string };

const metaKeys = { protocol: 1, mark: 3, iifname: 6, oifname: 7, nfproto: 15, l4proto: 16 } as const;
const ctKeys = { state: 0, status: 2 } as const;
const payloadBases = { link: 0, network: 1, transport: 2 } as const;
const verdicts = { accept: 1, drop: 0, return: -5 } as const;
const NFT_JUMP = -3;
const NFTA_PAYLOAD_SREG = 5;
const NFTA_PAYLOAD_CSUM_TYPE = 6;
const NFTA_PAYLOAD_CSUM_OFFSET = 7;
const NFT_PAYLOAD_CSUM_INET = 1;
const NFT_FIB_RESULT_ADDRTYPE = 3;
const NFTA_FIB_F_DADDR = 2;
const families = { ip: 2, ip6: 10 } as const;
const NFTA_LIST_ELEM = 1;
const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;
const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;

export function encodeExpression(to: NetlinkBatch, expression: NftExpression): void {
  const named = (name: string, body: () => void) =>
    to.nested(NFTA_LIST_ELEM, () => {
      to.text(NFTA_EXPR_NAME, name);
      to.nested(NFTA_EXPR_DATA, body);
    });
  const value = (type: number, bytes: Uint8Array) => to.nested(type, () => to.attribute(NFTA_DATA_VALUE, bytes));
  const verdict = (code: number, chain?: string) =>
    named('immediate', () => {
      to.u32be(1, 0).nested(2, () => {
        to.nested(NFTA_DATA_VERDICT, () => {
          to.u32be(1, code);
          if (chain !== undefined) to.text(2, chain);
        });
      });
    });
  switch (expression.expression) {
    case 'meta':
      named('meta', () => to.u32be(1, expression.register).u32be(2, metaKeys[expression.key]));
      return;
    case 'ct':
      named('ct', () => to.u32be(1, expression.register).u32be(2, ctKeys[expression.key]));
      return;
    case 'fib-daddr-type':
      named('fib', () => to.u32be(1, expression.register).u32be(2, NFT_FIB_RESULT_ADDRTYPE).u32be(3, NFTA_FIB_F_DADDR));
      return;
    case 'payload': {
      const { register, base, offset, length } = expression;
      named('payload', () => to.u32be(1, register).u32be(2, payloadBases[base]).u32be(3, offset).u32be(4, length));
      return;
    }
    case 'write-payload': {
      const { register, base, offset, length, checksum } = expression;
      named('payload', () => {
        to.u32be(2, payloadBases[base]).u32be(3, offset).u32be(4, length);
        to.u32be(NFTA_PAYLOAD_SREG, register).u32be(NFTA_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_INET);
        to.u32be(NFTA_PAYLOAD_CSUM_OFFSET, checksum);
      });
      return;
    }
    case 'mask': {
      const { register, mask, xor = new Uint8Array(mask.length) } = expression;
      named('bitwise', () => {
        to.u32be(1, register).u32be(2, register).u32be(3, mask.length);
        value(4, mask);
        value(5, xor);
      });
      return;
    }
    case 'set-mark':
      named('meta', () => to.u32be(2, metaKeys.mark).u32be(3, expression.register));
      return;
    case 'compare':
      named('cmp', () => {
        to.u32be(1, expression.register).u32be(2, expression.is ? 0 : 1);
        value(3, expression.value);
      });
      return;
    case 'lookup':
      named('lookup', () => {
        to.text(1, expression.set).u32be(2, expression.register);
        if (expression.into !== undefined) to.u32be(3, expression.into);
        if (expression.inverted) to.u32be(5, 1);
      });
      return;
    case 'load':
      named('immediate', () => {
        to.u32be(1, expression.register);
        value(2, expression.value);
      });
      return;
    case 'dnat':
      named('nat', () =>
        to
          .u32be(1, 1)
          .u32be(2, families[expression.family])
          .u32be(3, expression.addressRegister)
          .u32be(5, expression.portRegister),
      );
      return;
    case 'snat':
      named('nat', () => to.u32be(1, 0).u32be(2, families[expression.family]).u32be(3, expression.addressRegister));
      return;
    case 'masquerade':
      named('masq', () => {});
      return;
    case 'notrack':
      named('notrack', () => {});
      return;
    case 'verdict':
      verdict(verdicts[expression.verdict]);
      return;
    case 'jump':
      verdict(NFT_JUMP, expression.chain);
      return;
  }
}

const NFTA_IMMEDIATE_DATA = 2;
const NFTA_TARGET_NAME = 1;
/** They let every packet on to the next expression. */
const passing = ['counter', 'log'];

/** Whether the expressions of a rule, as the kernel lists them, drop or reject whatever comes, iptables' targets too. */
export function dropsAll(expressions: Buffer | undefined): boolean {
  const list = decodeAttributeList(expressions ?? Buffer.alloc(0)).map(decodeAttributes);
  const deciding = list.filter((each) => !passing.includes(attributeText(each.get(NFTA_EXPR_NAME))));
  const [only] = deciding;
  if (!only || deciding.length > 1) return false;
  const data = decodeAttributes(only.get(NFTA_EXPR_DATA) ?? Buffer.alloc(0));
  switch (attributeText(only.get(NFTA_EXPR_NAME))) {
    case 'reject':
      return true;
    case 'target':
      return ['REJECT', 'DROP'].includes(attributeText(data.get(NFTA_TARGET_NAME)));
    case 'immediate': {
      const value = decodeAttributes(data.get(NFTA_IMMEDIATE_DATA) ?? Buffer.alloc(0)).get(NFTA_DATA_VERDICT);
      return value !== undefined && decodeAttributes(value).get(1)?.readInt32BE(0) === verdicts.drop;
    }
    default:
      return false;
  }
}
