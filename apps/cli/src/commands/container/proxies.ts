import type { Cli } from '../../cli.ts';

const variables: Readonly<Record<string, string>> = {
  httpProxy: 'HTTP_PROXY',
  httpsProxy: 'HTTPS_PROXY',
  noProxy: 'NO_PROXY',
  ftpProxy: 'FTP_PROXY',
  allProxy: 'ALL_PROXY',
};

/** The proxies that config.json has for this daemon, or for any, as variables. */
export async function proxiesOf(cli: Cli): Promise<Record<string, string>> {
  const { proxies } = await cli.config();
  if (!proxies) return {};
  const { address } = await cli.endpoint();
  const chosen = proxies[address.text] ?? proxies.default ?? {};
  const result: Record<string, string> = {};
  for (const [key, variable] of Object.entries(variables)) if (chosen[key]) result[variable] = chosen[key];
  return result;
}

/** The environment with each proxy in both spellings, unless it was given. */
export function withProxies(environment: readonly string[], proxies: Readonly<Record<string, string>>): string[] {
  const given = new Set(environment.map((pair) => pair.split('=')[0]));
  const added: string[] = [];
  for (const [variable, value] of Object.entries(proxies)) {
    for (const name of [variable, variable.toLowerCase()]) if (!given.has(name)) added.push(`${name}=${value}`);
  }
  return [...environment, ...added];
}
