import { checkContextName, contextPaths } from '../../context/context-store.ts';
import { currentContextName } from '../../context/endpoint.ts';
import { ExitError } from '../../exit-error.ts';
import { text } from '../../flags/flag.ts';
import { defineCommand, exactly } from '../command.ts';
import { endpointOf, parseDockerEndpoint, storeContext } from './docker-endpoint.ts';
import { endpointDetails } from './endpoint-details.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTEXT',
  args: exactly(1),
  complete: ['none'],
  details: endpointDetails('create'),
  flags: {
    description: text('What the context is for', { complete: 'none' }),
    docker: text('The docker endpoint', { kind: 'stringToString', complete: 'none' }),
    from: text('Context to copy', { complete: 'context' }),
  },
  async run(cli, { description, docker, from }, [name = '']) {
    checkContextName(name);
    const { metadata } = contextPaths(cli.configDirectory, name);
    if (await Bun.file(`${metadata}/meta.json`).exists())
      throw new ExitError(1, `context ${JSON.stringify(name)} already exists`);
    const endpoint =
      docker === ''
        ? await endpointOf(cli, from || (await currentContextName(cli)))
        : await parseDockerEndpoint(cli, docker);
    const Metadata = description === '' ? {} : { Description: description };
    await storeContext(cli, { Name: name, Metadata, Endpoints: { docker: endpoint.meta } }, endpoint.files);
    cli.out.print(`${name}\n`);
    cli.err.print(`Successfully created context "${name}"\n`);
  },
});
