import { struct, text } from '@wharf/base/decode';
import type { Descriptor } from '@wharf/oci/descriptor';
import type { Platform } from '@wharf/oci/image-config';

/** `POST /auth`, and what X-Registry-Auth holds. */
export interface AuthConfig {
  readonly username: string;
  readonly password: string;
  readonly serveraddress: string;
  readonly identitytoken: string;
  readonly registrytoken: string;
}

export const authConfig = struct<AuthConfig>('AuthConfig', {
  username: text,
  password: text,
  serveraddress: text,
  identitytoken: text,
  registrytoken: text,
});

export interface AuthResponse {
  readonly Status: string;
  readonly IdentityToken: string;
}

export interface SearchItem {
  readonly name: string;
  readonly description: string;
  readonly star_count: number;
  readonly is_official: boolean;
  readonly is_automated: boolean;
}

/** What a registry has under a name, without its layers. */
export interface DistributionInspect {
  readonly Descriptor: Descriptor;
  readonly Platforms: readonly Platform[];
}
