import { parseReference } from '@wharf/oci/reference';
import { ExitError } from '../../exit-error.ts';
import { bool, list, text } from '../../flags/flag.ts';
import { defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: '[OPTIONS] CONTAINER [REPOSITORY[:TAG]]',
  args: { min: 1, max: 2 },
  complete: ['container', 'image'],
  flags: {
    author: text('Who made it', { short: 'a', complete: 'none' }),
    change: list('Dockerfile instruction to apply to the image', { short: 'c', complete: 'none' }),
    message: text('Comment to keep with the image', { short: 'm', complete: 'none' }),
    pause: bool('Pause the container meanwhile', { short: 'p', initial: true }),
  },
  async run(cli, { author, change, message, pause }, [container = '', name = '']) {
    const client = await cli.client();
    const { repo, tag } = splitName(name);
    const { Id } = await client.json<{ Id: string }>('POST', '/commit', {
      query: {
        container,
        repo: repo || undefined,
        tag: tag || undefined,
        comment: message || undefined,
        author: author || undefined,
        changes: change,
        pause: pause ? undefined : '0',
      },
      // In place of a configuration: the container's own.
      body: null,
    });
    cli.out.print(`${Id}\n`);
  },
});

function splitName(name: string): { repo: string; tag: string } {
  if (name === '') return { repo: '', tag: '' };
  const { digest, tag = '' } = parseReference(name);
  if (digest !== undefined) throw new ExitError(1, 'refusing to create a tag with a digest reference');
  return { repo: tag === '' ? name : name.slice(0, -tag.length - 1), tag };
}
