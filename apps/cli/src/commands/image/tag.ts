import { parseReference } from '@wharf/oci/reference';
import { ExitError } from '../../exit-error.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';

export const command = defineCommand({
  usage: 'SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]',
  args: exactly(2),
  complete: ['image'],
  flags: {},
  async run(cli, _flags, [source = '', target = '']) {
    const client = await cli.client();
    const reference = named(target);
    if (reference.digest !== undefined) throw new ExitError(1, 'refusing to create a tag with a digest reference');
    await client.call('POST', `/images/${segment(source)}/tag`, {
      query: { repo: `${reference.domain}/${reference.path}`, tag: reference.tag ?? 'latest' },
    });
  },
});

function named(target: string) {
  try {
    return parseReference(target);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ExitError(
      1,
      `Error parsing reference: ${JSON.stringify(target)} is not a valid repository/tag: ${reason}`,
    );
  }
}
