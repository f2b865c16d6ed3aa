import type { Address } from '../address.ts';
import { type Answer, encodeResponse, parseQuery, parseReverseName, recordTypes, responseCodes } from './message.ts';

/** What one sandbox may know: the names of its own networks, and whom to ask about the rest. */
export interface NameView {
  /** The addresses of a name; undefined where it is no name of the sandbox's networks. */
  lookup(name: string): readonly Address[] | undefined;
  /** The name of an address of the sandbox's networks. */
  reverse(address: Address): string | undefined;
  /** Asks the outside; undefined where nobody answered. */
  forward(query: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined>;
  /** False where every network is internal. */
  readonly forwards: boolean;
}

/** Answers one DNS message; undefined for bytes that deserve no answer. */
export async function resolve(view: NameView, bytes: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
  const query = parseQuery(bytes);
  if (!query) return undefined;
  const limit = transport === 'udp' ? query.maxUdpLength : 65535;
  const local = query.standard ? answerLocally(view, query.name, query.type) : undefined;
  if (local) return encodeResponse(query, responseCodes.noError, local, limit);
  if (!view.forwards) return encodeResponse(query, responseCodes.nameError, []);
  const answer = await view.forward(bytes, transport);
  return answer ?? encodeResponse(query, responseCodes.serverFailure, []);
}

/** Undefined where the name is not ours; empty where it is, but has no record of this type. */
function answerLocally(view: NameView, name: string, type: number): readonly Answer[] | undefined {
  if (type === recordTypes.ptr) {
    const address = parseReverseName(name);
    const pointer = address && view.reverse(address);
    return pointer === undefined ? undefined : [{ pointer }];
  }
  const addresses = view.lookup(name);
  if (!addresses) return undefined;
  const family = type === recordTypes.a ? 4 : type === recordTypes.aaaa ? 6 : undefined;
  const matching = addresses.filter((address) => address.family === family);
  return rotate(matching).map((address) => ({ address }));
}

/** Spreads the clients of a shared alias. */
function rotate<T>(items: readonly T[]): T[] {
  const start = Math.floor(Math.random() * items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}
