import type { SystemInfo } from '@wharf/api/system';
import { compileTemplate, executeTemplate } from '@wharf/base/template/execute';
import { goJson } from '@wharf/base/template/functions';
import { type Cli, clientVersion } from '../../cli.ts';
import { currentContextName } from '../../context/endpoint.ts';
import { describeError, hintFor } from '../../describe-error.ts';
import { ExitError } from '../../exit-error.ts';
import { inspectFormat } from '../../flags/common.ts';
import { guarded } from '../../format/list.ts';
import { typedValue } from '../../format/typed-zero.ts';
import { defineCommand, noArgs } from '../command.ts';
import { describeDaemon } from './describe-daemon.ts';

export const command = defineCommand({
  usage: '[OPTIONS]',
  args: noArgs,
  flags: { format: inspectFormat },
  async run(cli, { format }) {
    const clientInfo = {
      Debug: cli.globals.debug,
      Version: clientVersion,
      Context: await currentContextName(cli),
      Plugins: [],
      Warnings: null,
    };
    const { info, failure } = await ask(cli);
    if (format !== '') {
      if (failure) cli.err.print(`${failure}\n`);
      const all = { ...info, ...(failure ? { ServerErrors: [failure] } : {}), ClientInfo: clientInfo };
      const template =
        format === 'json' ? undefined : guarded('template parsing error', () => compileTemplate(format), 64);
      try {
        cli.out.print(template ? executeTemplate(template, typedValue(all)) : goJson(all));
      } finally {
        // Docker ends the line that a template began, also where it failed.
        cli.out.print('\n');
      }
      return;
    }
    cli.out.print(
      `Client: Wharf\n Version:    ${clientVersion}\n Context:    ${clientInfo.Context}\n Debug Mode: ${clientInfo.Debug}\n\nServer:\n`,
    );
    if (!info) throw new ExitError(1, `ERROR: ${failure}\nerrors pretty printing info`);
    cli.out.print(`${describeDaemon(info, cli.globals.debug)}\n`);
    for (const warning of info.Warnings ?? []) cli.err.print(`${warning}\n`);
  },
});

async function ask(cli: Cli): Promise<{ info?: SystemInfo; failure?: string }> {
  try {
    const client = await cli.client();
    return { info: await client.json<SystemInfo>('GET', '/info') };
  } catch (error) {
    const hint = hintFor(error);
    return { failure: hint === undefined ? describeError(error) : `${describeError(error)}\n${hint}` };
  }
}
