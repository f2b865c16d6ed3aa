import type { Fixture } from './fixture.ts';

/** What a program in the host's network namespace reads from this address. */
export async function fetchFromHost(engine: Fixture, address: string, port: number): Promise<string> {
  const { stdout } = await engine.daemon.sandbox.run(['busybox', 'nc', '-w', '5', address, String(port)]);
  return stdout;
}

/** A container that says `text` to each that connects to its port 8080. */
export async function greeter(
  engine: Fixture,
  text: string,
  spec: Record<string, unknown> = {},
  name?: string,
): Promise<string> {
  const id = await engine.started(
    { Cmd: ['nc', '-ll', '-p', '8080', '-e', 'echo', text], StopSignal: 'SIGKILL', ...spec },
    name,
  );
  await engine.exec(id, ['sh', '-c', 'until netstat -ltn | grep -q :8080; do :; done']);
  return id;
}
