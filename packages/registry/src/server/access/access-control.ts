import type { RepositoryName } from '../names.ts';

export type Action = 'pull' | 'push' | 'delete';

/** Who asks, and what they may do. */
export interface Identity {
  /** Undefined for somebody who did not say. */
  readonly name: string | undefined;
  may(repository: RepositoryName, action: Action): boolean;
  /** Would be allowed more, if they asked for it: a token that lacks a scope, or nobody yet. */
  mightWith(repository: RepositoryName, action: Action): boolean;
  /** Whether the catalog shows it. */
  mayList(repository: RepositoryName): boolean;
}

export interface AccessControl {
  /** Throws UNAUTHORIZED for wrong credentials, TOOMANYREQUESTS for too many wrong ones. */
  identify(request: Request, peer: string): Promise<Identity>;
  /** Whether `GET /v2/` tells somebody unknown that they may log in. */
  readonly greetsWithChallenge: boolean;
  /** The value of WWW-Authenticate. */
  challenge(request: Request, scope: string | undefined): string;
  /** Answers the token service's path; undefined where there is none. */
  issueToken(request: Request, peer: string): Promise<Response> | undefined;
}

const everybody: Identity = { name: undefined, may: () => true, mightWith: () => true, mayList: () => true };

/** A registry without users: whoever reaches it may do anything. */
export const openAccess: AccessControl = {
  identify: async () => everybody,
  greetsWithChallenge: false,
  challenge: () => 'Basic realm="registry"',
  issueToken: () => undefined,
};
