import { connect } from 'node:net';

const patience = 2000;
/** A whole TLS record of no known message, and a whole line of no HTTP: whoever listens refuses it at once. */
const nonsense = Buffer.from([0x16, 0x03, 0x01, 0x00, 0x04, 0x0a, 0x00, 0x00, 0x00]);

/** Why a TLS handshake failed, in Go's words: the runtime does not say whether the other side spoke TLS at all. */
export async function explainHandshake(url: URL, hasCertificate: boolean): Promise<string> {
  if (await speaksHttp(url)) return 'http: server gave HTTP response to HTTPS client';
  if (hasCertificate) return 'remote error: tls: handshake failure';
  return `remote error: tls: handshake failure: it may ask for a client certificate, of which certs.d/${url.host} has none`;
}

function speaksHttp({ hostname, port }: URL): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 443) });
  socket.setTimeout(patience, () => resolve(false));
  socket.once('connect', () => socket.write(nonsense));
  socket.once('data', (answer) => resolve(answer.toString('latin1', 0, 5) === 'HTTP/'));
  socket.once('error', () => resolve(false));
  socket.once('close', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
