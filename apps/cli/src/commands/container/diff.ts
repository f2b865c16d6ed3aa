import type { FileChange } from '@wharf/api/container-files';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';

const letters = ['C', 'A', 'D'] as const;

export const command = defineCommand({
  usage: 'CONTAINER',
  args: exactly(1),
  complete: ['container'],
  flags: {},
  async run(cli, _flags, [container = '']) {
    const client = await cli.client();
    const changes = await client.json<FileChange[] | null>('GET', `/containers/${segment(container)}/changes`);
    cli.out.print((changes ?? []).map(({ Kind, Path }) => `${letters[Kind]} ${Path}\n`).join(''));
  },
});
