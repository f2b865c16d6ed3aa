import type { VersionInfo } from '@wharf/api/system';
import { newestApiVersion } from '@wharf/api/version';
import { compileTemplate, executeTemplate } from '@wharf/base/template/execute';
import { goJson } from '@wharf/base/template/functions';
import { type Cli, clientVersion } from '../cli.ts';
import { currentContextName } from '../context/endpoint.ts';
import { ExitError } from '../exit-error.ts';
import { inspectFormat } from '../flags/common.ts';
import { alignTabs } from '../format/tab-writer.ts';
import { defineCommand, noArgs } from './command.ts';

interface ClientInfo {
  readonly Version: string;
  readonly ApiVersion: string;
  readonly DefaultAPIVersion: string;
  readonly RuntimeVersion: string;
  readonly Os: string;
  readonly Arch: string;
  readonly Context: string;
}

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: { format: inspectFormat },
  async run(cli, { format }) {
    const template = format === '' || format === 'json' ? undefined : compiled(format);
    let server: VersionInfo | undefined;
    let failure: unknown;
    let apiVersion = cli.environment.apiVersion ?? newestApiVersion;
    try {
      const client = await cli.client();
      apiVersion = await client.version();
      server = await client.json<VersionInfo>('GET', '/version');
      for (const { Name, Details } of server.Components ?? []) {
        if (Name === 'Engine' && Details?.BuildTime) Details.BuildTime = shortDate(Details.BuildTime);
      }
    } catch (error) {
      failure = error;
    }
    const info = { Client: await clientInfo(cli, apiVersion), Server: server ?? null };
    if (template) printLine(cli, () => executed(template, info));
    else if (format === 'json') cli.out.print(`${goJson(info)}\n`);
    else {
      const text = describeClient(info.Client) + (server ? describeServer(server) : '');
      cli.out.print(alignTabs(text, { minWidth: 20, padding: 1 }));
    }
    if (failure !== undefined) throw failure;
  },
});

/** Docker ends the line that a template began, also where it failed. */
function printLine(cli: Cli, text: () => string): void {
  try {
    cli.out.print(text());
  } finally {
    cli.out.print('\n');
  }
}

function compiled(format: string) {
  try {
    return compileTemplate(format);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ExitError(64, `template parsing error: ${reason}`);
  }
}

function executed(template: ReturnType<typeof compileTemplate>, info: object): string {
  try {
    return executeTemplate(template, info);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ExitError(
      1,
      reason.replace('template: :', 'template: version:').replace('executing ""', 'executing "version"'),
    );
  }
}

async function clientInfo(cli: Cli, ApiVersion: string): Promise<ClientInfo> {
  return {
    Version: clientVersion,
    ApiVersion,
    DefaultAPIVersion: newestApiVersion,
    RuntimeVersion: `bun ${Bun.version}`,
    Os: process.platform,
    Arch: goArch(process.arch),
    Context: await currentContextName(cli),
  };
}

function goArch(arch: string): string {
  return arch === 'x64' ? 'amd64' : arch;
}

function describeClient(client: ClientInfo): string {
  const downgraded =
    client.ApiVersion === client.DefaultAPIVersion ? '' : ` (downgraded from ${client.DefaultAPIVersion})`;
  return `Client: Wharf
 Version:\t${client.Version}
 API version:\t${client.ApiVersion}${downgraded}
 Bun version:\t${Bun.version}
 OS/Arch:\t${client.Os}/${client.Arch}
 Context:\t${client.Context}
`;
}

function describeServer(server: VersionInfo): string {
  const platform = server.Platform?.Name ? ` ${server.Platform.Name}` : '';
  let text = `\nServer:${platform}\n`;
  for (const { Name, Version, Details } of componentsOf(server)) {
    text += ` ${Name}:\n  Version:\t${Version}\n`;
    if (Name !== 'Engine') {
      for (const key of Object.keys(Details ?? {}).sort()) text += `  ${key}:\t${Details[key]}\n`;
      continue;
    }
    text += `  API version:\t${Details.ApiVersion} (minimum version ${Details.MinAPIVersion})
  Go version:\t${Details.GoVersion}
  Git commit:\t${Details.GitCommit}
  Built:\t${shortDate(Details.BuildTime)}
  OS/Arch:\t${Details.Os}/${Details.Arch}
  Experimental:\t${Details.Experimental}
`;
  }
  return text;
}

// Daemons before components existed say the same at the top.
function componentsOf(server: VersionInfo): VersionInfo['Components'] {
  if (server.Components?.some(({ Name }) => Name === 'Engine')) return server.Components;
  const { Version, ApiVersion, MinAPIVersion, GitCommit, GoVersion, Os, Arch, BuildTime } = server;
  const Experimental = String(server.Experimental ?? false);
  const Details = { ApiVersion, MinAPIVersion, GitCommit, GoVersion, Os, Arch, BuildTime, Experimental };
  return [{ Name: 'Engine', Version, Details }, ...(server.Components ?? [])];
}

/** `Mon Jan  2 15:04:05 2006`, as C's asctime. */
function shortDate(text: string | undefined): string {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)/.exec(text ?? '');
  const date = new Date(text ?? '');
  if (!match || Number.isNaN(date.getTime())) return text ?? '';
  const [, year, month, day, clock] = match;
  const weekday = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'][
    new Date(`${year}-${month}-${day}T00:00:00Z`).getUTCDay()
  ];
  const name = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'][Number(month) - 1];
  return `${weekday} ${name} ${String(Number(day)).padStart(2)} ${clock} ${year}`;
}
