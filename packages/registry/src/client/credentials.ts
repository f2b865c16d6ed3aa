/** What a client gives for one registry. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** A refresh token, in place of a password. */
  readonly identityToken: string;
  /** A bearer token to be sent as it is. */
  readonly registryToken: string;
  /** Which registry they are for, as the client spells it. */
  readonly serverAddress: string;
}

export const noCredentials: Credentials = {
  username: '',
  password: '',
  identityToken: '',
  registryToken: '',
  serverAddress: '',
};

/**
 * Decodes `X-Registry-Auth`: base64url of JSON, either base64 alphabet, padded or not. What cannot be read counts as
 * none, as Docker has it: the registry decides what somebody without credentials may do.
 */
export function decodeCredentials(header: string | undefined): Credentials {
  if (header === undefined || header === '') return noCredentials;
  try {
    return credentialsFrom(JSON.parse(Buffer.from(header, 'base64url').toString('utf8')));
  } catch {
    return noCredentials;
  }
}

/** From Docker's `AuthConfig`, whose keys Go reads in any letter case. */
export function credentialsFrom(value: unknown): Credentials {
  if (typeof value !== 'object' || value === null) return noCredentials;
  const fields = new Map(Object.entries(value).map(([key, field]) => [key.toLowerCase(), field]));
  const text = (key: string) => {
    const field = fields.get(key);
    return typeof field === 'string' ? field : '';
  };
  const [fromAuth = '', ...rest] = Buffer.from(text('auth'), 'base64').toString('utf8').split(':');
  return {
    username: text('username') || fromAuth,
    password: text('password') || rest.join(':'),
    identityToken: text('identitytoken'),
    registryToken: text('registrytoken'),
    serverAddress: text('serveraddress'),
  };
}

export function isAnonymous({ username, identityToken, registryToken }: Credentials): boolean {
  return username === '' && identityToken === '' && registryToken === '';
}
