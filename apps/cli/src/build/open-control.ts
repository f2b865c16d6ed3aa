import type { Cli } from '../cli.ts';

/** What a daemon says of itself as a builder. */
export interface BuilderFacts {
  readonly version: string;
  readonly platforms: readonly string[];
  readonly labels: readonly (readonly [name: string, value: string])[];
}

export interface OpenControl extends AsyncDisposable {
  describe(): Promise<BuilderFacts>;
}

/** BuildKit's interface of the daemon that the command line chooses. What speaks it is loaded only here. */
export async function openControl(cli: Cli): Promise<OpenControl> {
  const { create } = await import('@bufbuild/protobuf');
  const { openControl: open } = await import('@wharf/build/client/solve');
  const { Control, ListWorkersRequestSchema } = await import('@wharf/build/pb/control_pb');
  const { endpointOf } = await import('./run-build.ts');
  const channel = await open(await endpointOf(cli));
  return {
    async describe() {
      const { signal } = new AbortController();
      const { record } = await channel.call(Control.method.listWorkers, create(ListWorkersRequestSchema), signal);
      const platforms = record.flatMap((worker) =>
        worker.platforms.map(({ OS, Architecture, Variant }) => [OS, Architecture, Variant].filter(Boolean).join('/')),
      );
      const { Labels = {}, BuildkitVersion } = record[0] ?? {};
      return { version: BuildkitVersion?.version ?? '', platforms, labels: Object.entries(Labels).sort() };
    },
    async [Symbol.asyncDispose]() {
      channel.close();
    },
  };
}
