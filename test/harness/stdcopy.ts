/** Splits Docker's multiplexed stream: frames of stream number, three zeroes, length, bytes. */
export function demultiplex(bytes: Buffer): { stdout: string; stderr: string } {
  const streams: Record<number, Buffer[]> = { 1: [], 2: [] };
  for (let offset = 0; offset < bytes.length; ) {
    const size = bytes.readUInt32BE(offset + 4);
    streams[bytes[offset]!]!.push(bytes.subarray(offset + 8, offset + 8 + size));
    offset += 8 + size;
  }
  return { stdout: Buffer.concat(streams[1]!).toString(), stderr: Buffer.concat(streams[2]!).toString() };
}
