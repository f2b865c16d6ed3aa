/** The namespace modes of HostConfig: `host`, `none`, `private`, `container:<id>`... */

/** The container named by `container:<id>`, or undefined. */
export function sharedContainer(mode: string): string | undefined {
  return mode.startsWith('container:') ? mode.slice('container:'.length) : undefined;
}

/** True where the container gets a network namespace of its own. */
export function isPrivateNetwork(mode: string): boolean {
  return mode !== 'host' && sharedContainer(mode) === undefined;
}

/** True where the container's first process is its namespace's init. */
export function isPrivatePid(mode: string): boolean {
  return mode !== 'host' && sharedContainer(mode) === undefined;
}
