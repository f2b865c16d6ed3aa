import { invalidArgument } from '@wharf/base/error';
import type { Credentials } from '@wharf/registry/client/credentials';
import type { ExportClient } from '../exporters/build-output.ts';
import { sendDirectory } from './send-directory.ts';
import { sendFile } from './send-file.ts';
import type { SessionConnection } from './session-connection.ts';
import { SessionContent } from './session-content.ts';

export interface SessionClientOptions {
  readonly session: SessionConnection | undefined;
  readonly credentials: (domain: string) => Promise<Credentials>;
  readonly signal: AbortSignal;
}

/** A client as exporters see it, by what its session offers. */
export function sessionClient({ session, credentials, signal }: SessionClientOptions): ExportClient {
  const connected = () => {
    if (session) return session;
    throw invalidArgument('the client has no session that could take what is exported');
  };
  return {
    sendFile: async (id, content) => sendFile(connected(), id, content, signal),
    sendDirectory: async (id, trees, time) => sendDirectory(connected(), trees, { id, time, signal }),
    contentStore: (name) => new SessionContent(connected(), name, signal),
    credentials,
  };
}
