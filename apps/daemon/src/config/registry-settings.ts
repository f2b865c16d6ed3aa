import { invalidArgument } from '@wharf/base/error';

/** A mirror's base URL, with a slash at its end. Throws in Docker's words. */
export function parseMirror(value: string): string {
  const shown = JSON.stringify(value);
  const scheme = /^([^:/]+):\/\//.exec(value)?.[1];
  if (scheme === undefined) {
    throw invalidArgument(`invalid mirror: no scheme specified for ${shown}: must use either 'https://' or 'http://'`);
  }
  if (!/^https?$/.test(scheme)) {
    throw invalidArgument(
      `invalid mirror: unsupported scheme ${JSON.stringify(scheme)} in ${shown}: must use either 'https://' or 'http://'`,
    );
  }
  const url = URL.parse(value);
  if (!url) throw invalidArgument(`invalid mirror: ${shown} is not a valid URI`);
  // The value may hold a password, and is not shown.
  if (url.username !== '' || url.password !== '') {
    throw invalidArgument(`invalid mirror: username/password not allowed in URI of ${url.host}`);
  }
  if (/[?#]/.test(value)) throw invalidArgument(`invalid mirror: query or fragment at end of the URI ${shown}`);
  return `${value.replace(/\/+$/, '')}/`;
}

/** The mirror of a prefix; without a scheme it is asked by https. */
export function parsePrefixMirror(value: string): string {
  return parseMirror(value.includes('://') ? value : `https://${value}`);
}

/** `host`, `host:port` or a CIDR. A scheme is dropped, as dockerd does it. */
export function parseInsecureRegistry(value: string): string {
  const host = value.replace(/^https?:\/\//i, '');
  const shown = JSON.stringify(value);
  if (host.includes('://')) throw invalidArgument(`insecure registry ${shown} should not contain '://'`);
  if (/^[\d.]+\/(\d|[12]\d|3[0-2])$|^[\da-fA-F:]+\/\d{1,3}$/.test(host)) return host;
  if (host.includes('/')) {
    throw invalidArgument(`insecure registry ${shown} is not valid: it is neither host[:port] nor a CIDR`);
  }
  if (host === '' || host.startsWith('-') || !URL.canParse(`http://${host}`)) {
    throw invalidArgument(`insecure registry ${shown} is not valid: invalid host ${JSON.stringify(host)}`);
  }
  return host;
}
