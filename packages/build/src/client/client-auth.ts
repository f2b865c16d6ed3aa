import { create } from '@bufbuild/protobuf';
import { type Handlers, unary } from '../grpc/grpc-server.ts';
import { Auth, CredentialsResponseSchema } from '../pb/filesync_pb.ts';

export interface RegistryLogin {
  readonly username: string;
  /** Or, with an empty name, an identity token. */
  readonly secret: string;
}

/** Offers what is stored for registries; undefined where nothing is. */
export function addAuth(handlers: Handlers, read: (domain: string) => Promise<RegistryLogin | undefined>): void {
  unary(handlers, Auth.method.credentials, async ({ Host }) => {
    const found = await read(Host === 'registry-1.docker.io' ? 'docker.io' : Host);
    return create(CredentialsResponseSchema, { Username: found?.username ?? '', Secret: found?.secret ?? '' });
  });
}
