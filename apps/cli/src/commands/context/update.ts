import { checkContextName, readContext } from '../../context/context-store.ts';
import { isChanged, text } from '../../flags/flag.ts';
import { defineCommand, exactly } from '../command.ts';
import { parseDockerEndpoint, storeContext } from './docker-endpoint.ts';
import { endpointDetails } from './endpoint-details.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTEXT',
  args: exactly(1),
  complete: ['context'],
  details: endpointDetails('update'),
  flags: {
    description: text('What the context is for', { complete: 'none' }),
    docker: text('The docker endpoint', { kind: 'stringToString', complete: 'none' }),
  },
  async run(cli, flags, [name = '']) {
    checkContextName(name);
    const stored = await readContext(cli.configDirectory, name);
    const endpoint = flags.docker === '' ? undefined : await parseDockerEndpoint(cli, flags.docker);
    const Metadata = isChanged(flags, 'description')
      ? { ...stored.Metadata, Description: flags.description }
      : stored.Metadata;
    const Endpoints = endpoint ? { ...stored.Endpoints, docker: endpoint.meta } : stored.Endpoints;
    await storeContext(cli, { Name: name, Metadata, Endpoints }, endpoint?.files);
    cli.out.print(`${name}\n`);
    cli.err.print(`Successfully updated context "${name}"\n`);
  },
});
