import type { JsonMessage } from '@wharf/api/streams/json-message';
import { formatFamiliar, parseReference, withDefaultTag } from '@wharf/oci/reference';
import { registryAuth } from '../../credentials/credential-store.ts';
import { ExitError } from '../../exit-error.ts';
import { bool, text } from '../../flags/flag.ts';
import { showProgress } from '../../terminal/progress.ts';
import { defineCommand, exactly } from '../command.ts';
import { segment } from '../for-each.ts';
import { platformQuery } from './platform.ts';

export const command = defineCommand({
  usage: '[OPTIONS] NAME[:TAG]',
  args: exactly(1),
  complete: ['image'],
  flags: {
    'all-tags': bool('Push every tag of the repository', { short: 'a' }),
    'disable-content-trust': bool('Skip the signing of images', { initial: true, hidden: true }),
    platform: text('Push this platform of an image for several, as an image of one (os/arch)', {
      complete: 'platform',
      since: 46,
    }),
    quiet: bool('Print only the name at the end', { short: 'q' }),
  },
  async run(cli, flags, [image = '']) {
    const parsed = parseReference(image);
    const allTags = flags['all-tags'];
    if (allTags && (parsed.tag !== undefined || parsed.digest !== undefined)) {
      throw new ExitError(1, "tag can't be used with --all-tags/-a");
    }
    const reference = allTags ? parsed : withDefaultTag(parsed);
    if (!allTags && parsed.tag === undefined && !flags.quiet) cli.out.print('Using default tag: latest\n');
    const client = await cli.client();
    // A daemon asks for the header, whatever is in it.
    const auth = (await registryAuth(cli, reference.domain)) ?? 'e30=';
    const { domain, path, tag } = reference;
    const messages = client.stream<JsonMessage>('POST', `/images/${segment(formatFamiliar({ domain, path }))}/push`, {
      query: { tag, platform: platformQuery(flags.platform) },
      headers: { 'X-Registry-Auth': auth },
    });
    await showProgress(messages, flags.quiet ? undefined : cli.out, 1);
    if (flags.quiet) cli.out.print(`${formatFamiliar(reference)}\n`);
  },
});
