import { type Digest, digestOf } from '../digest.ts';

/** Names a stack of layers, bottom to top. image-spec/config.md#layer-chainid */
export function chainIdOf(diffIds: readonly Digest[]): Digest | undefined {
  let chain: Digest | undefined;
  for (const diffId of diffIds) chain = chain === undefined ? diffId : digestOf(`${chain} ${diffId}`);
  return chain;
}
