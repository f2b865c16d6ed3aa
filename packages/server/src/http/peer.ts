import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

/** Who is at the other end, as its certificate says. */
export interface Peer {
  readonly commonName: string;
  /** DER. */
  readonly certificate: Buffer;
}

/** undefined on a plain socket, and for a client that showed no certificate. */
export function readPeer(socket: Socket): Peer | undefined {
  if (!('getPeerCertificate' in socket)) return undefined;
  const certificate = (socket as TLSSocket).getPeerCertificate();
  if (!certificate?.raw) return undefined;
  const { CN } = certificate.subject ?? {};
  return { commonName: (Array.isArray(CN) ? CN[0] : CN) ?? '', certificate: certificate.raw };
}
