import type { Cli } from '../../cli.ts';
import { contextPaths, readContext, tlsFiles } from '../../context/context-store.ts';
import { currentContextName, defaultEndpoint } from '../../context/endpoint.ts';
import { inspectFormat } from '../../flags/common.ts';
import { atLeast, defineCommand } from '../command.ts';
import { inspectAll } from '../inspect-all.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [CONTEXT] [CONTEXT...]',
  args: atLeast(0),
  complete: ['context'],
  flags: { format: inspectFormat },
  async run(cli, { format }, names) {
    const wanted = names.length > 0 ? names : [await currentContextName(cli)];
    await inspectAll(cli, wanted, format, async (name) => escapeHtml(JSON.stringify(await describe(cli, name))));
  },
});

/** Go escapes these in what it marshals itself. */
function escapeHtml(json: string): string {
  return json.replace(/[<>&]/g, (found) => `\\u00${found.charCodeAt(0).toString(16)}`);
}

async function describe(cli: Cli, name: string): Promise<object> {
  if (name === 'default') {
    const { address, tls } = await defaultEndpoint(cli);
    return {
      Name: name,
      Metadata: {},
      Endpoints: { docker: { Host: address.text, SkipTLSVerify: tls?.verify === false } },
      TLSMaterial: {},
      Storage: { MetadataPath: '<IN MEMORY>', TLSPath: '<IN MEMORY>' },
    };
  }
  const meta = await readContext(cli.configDirectory, name);
  const { metadata, tls } = contextPaths(cli.configDirectory, name);
  const files: string[] = [];
  for (const file of Object.values(tlsFiles)) if (await Bun.file(`${tls}/docker/${file}`).exists()) files.push(file);
  return {
    ...meta,
    TLSMaterial: files.length > 0 ? { docker: files } : {},
    Storage: { MetadataPath: metadata, TLSPath: tls },
  };
}
