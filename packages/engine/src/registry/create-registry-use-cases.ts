import type { Transfers } from '@wharf/registry/transfer/transfers';
import type { RegistryUseCases } from '../engine.ts';
import { inspectDistribution } from './distribution.ts';
import { login } from './login.ts';
import { searchImages } from './search.ts';

export function createRegistryUseCases(deps: { readonly transfers: Transfers }): RegistryUseCases {
  return {
    login: (credentials, signal) => login(deps, credentials, signal),
    search: (term, options) => searchImages(deps, term, options),
    inspect: (name, options) => inspectDistribution(deps, name, options),
  };
}
