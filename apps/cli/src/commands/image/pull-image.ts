import type { JsonMessage } from '@wharf/api/streams/json-message';
import { formatCanonical, parseReference, withDefaultTag } from '@wharf/oci/reference';
import type { Cli } from '../../cli.ts';
import { registryAuth } from '../../credentials/credential-store.ts';
import type { Output } from '../../terminal/output.ts';
import { showProgress } from '../../terminal/progress.ts';

export interface PullOptions {
  readonly platform: string;
  readonly quiet: boolean;
  /** Where progress is shown. */
  readonly output: Output;
  readonly allTags?: boolean;
}

/** `POST /images/create`, with the credentials of the image's registry. Resolves with the name that was pulled. */
export async function pullImage(cli: Cli, image: string, options: PullOptions): Promise<string> {
  const parsed = parseReference(image);
  const reference = options.allTags ? parsed : withDefaultTag(parsed);
  const client = await cli.client();
  const tag = reference.digest ?? reference.tag;
  const name = `${reference.domain}/${reference.path}`;
  const auth = await registryAuth(cli, reference.domain);
  const progress = client.stream<JsonMessage>('POST', '/images/create', {
    query: { fromImage: name, tag, platform: options.platform || undefined },
    headers: auth === undefined ? {} : { 'X-Registry-Auth': auth },
  });
  await showProgress(progress, options.quiet ? undefined : options.output, options.output === cli.out ? 1 : 2);
  return formatCanonical(reference);
}
