import type { RegistryClient } from '../client/registry-client.ts';
import { ImagePuller } from './image-puller.ts';
import { ImagePusher } from './image-pusher.ts';
import type { TransferDeps } from './transfer-deps.ts';

/** What moves images between this store and registries. */
export interface Transfers {
  readonly client: RegistryClient;
  readonly puller: ImagePuller;
  readonly pusher: ImagePusher;
}

export function createTransfers(deps: TransferDeps): Transfers {
  return { client: deps.client, puller: new ImagePuller(deps), pusher: new ImagePusher(deps) };
}
