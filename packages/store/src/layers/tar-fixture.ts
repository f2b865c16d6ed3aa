import { formatTarHeader, type TarMember, tarPadding, tarTrailer } from '@wharf/oci/layer/tar-writer';

/** For tests: an archive of these members, in this order. */
export function tarOf(...members: readonly (TarMember & { readonly content?: string | Buffer })[]): Buffer {
  return Buffer.concat([...members.flatMap(memberBytes), tarTrailer()]);
}

function memberBytes({ content = '', ...member }: TarMember & { content?: string | Buffer }): Buffer[] {
  const bytes = Buffer.from(content as string);
  return [formatTarHeader({ size: bytes.length, ...member }), bytes, tarPadding(bytes.length)];
}
