import type { ContainerUpdateRequest } from '@wharf/api/container';
import { type ApiVersion, atLeast } from '@wharf/api/version';

/** What an older client's update means at the newest version. Any limit of processes below one is none. */
export function updateRequestFor(version: ApiVersion, sent: ContainerUpdateRequest): ContainerUpdateRequest {
  if (!atLeast(version, 40)) return { ...sent, PidsLimit: null };
  return sent.PidsLimit === null ? sent : { ...sent, PidsLimit: Math.max(sent.PidsLimit, 0) };
}
