export interface TcpStream {
  write(bytes: Uint8Array): void;
  /** Ends it in both directions; `closed` is not called for it. */
  destroy(): void;
}

export interface TcpEvents {
  data(chunk: Uint8Array): void;
  /** By the other end, or because it could not be reached. */
  closed(): void;
}

/** Takes over the descriptor of a TCP socket that is connected or on its way, of whatever network namespace. */
export async function openTcpStream(fd: number, on: TcpEvents): Promise<TcpStream> {
  let unsent: Uint8Array = new Uint8Array();
  let ended = false;
  const flush = (socket: Bun.Socket) => {
    if (unsent.length > 0) unsent = unsent.subarray(Math.max(0, socket.write(unsent)));
  };
  const close = () => {
    if (!ended) on.closed();
    ended = true;
  };
  // Bun takes descriptors; its types do not say so.
  const options: unknown = {
    fd,
    socket: {
      data: (_: Bun.Socket, chunk: Uint8Array) => void (ended || on.data(chunk)),
      drain: flush,
      end: close,
      close,
      error: close,
      connectError: close,
    },
  };
  const socket = await Bun.connect(options as Bun.TCPSocketConnectOptions<undefined>);
  return {
    write(bytes) {
      unsent = unsent.length === 0 ? bytes : Buffer.concat([unsent, bytes]);
      flush(socket);
    },
    destroy() {
      ended = true;
      socket.terminate();
    },
  };
}
