import type { AuthConfig, AuthResponse } from '@wharf/api/registry';
import { credentialsFrom } from '@wharf/registry/client/credentials';
import type { Transfers } from '@wharf/registry/transfer/transfers';

/** Asks the registry whether it knows the user. Throws unauthenticated where it does not. */
export async function login(
  { transfers }: { readonly transfers: Pick<Transfers, 'client'> },
  config: AuthConfig,
  signal: AbortSignal,
): Promise<AuthResponse> {
  const { status, identityToken } = await transfers.client.login(credentialsFrom(config), signal);
  return { Status: status, IdentityToken: identityToken };
}
