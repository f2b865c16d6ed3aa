/** Where a driver delivers to. */
export type Endpoint =
  | { readonly kind: 'udp'; readonly host: string; readonly port: number }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'tls'; readonly host: string; readonly port: number; readonly tls: TlsFiles }
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'unixgram'; readonly path: string };

/** Paths; '' where none is given. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly skipVerify: boolean;
}

export const noTlsFiles: TlsFiles = { ca: '', cert: '', key: '', skipVerify: false };

/** journald's, for its native protocol. */
export const journalSocket = '/run/systemd/journal/socket';
