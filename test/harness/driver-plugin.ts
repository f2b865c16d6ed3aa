import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { type Fixture, removeEverything, useDaemon } from './fixture.ts';
import { PluginProcess, type PluginProcessOptions } from './plugin-process.ts';

interface Call {
  readonly method: string;
  readonly [field: string]: unknown;
}

/** A plugin of volumes, networks or addresses that fails where it is told to. */
export class DriverPlugin extends PluginProcess<Call> {
  constructor(options: PluginProcessOptions) {
    super(options);
    this.fail({});
  }

  /** Errors by the names of calls. */
  fail(failures: Record<string, string>): void {
    writeFileSync(join(this.directory, 'failures'), JSON.stringify(failures));
  }

  /** The names of the calls in order, without the kind of driver. */
  methods(): string[] {
    return this.calls().map(({ method }) => method.slice(method.indexOf('.') + 1));
  }
}

/** A daemon and a plugin for all cases of a file. Each case begins with nothing failing and nothing called. */
export function usePlugin(name: string, script: string): { readonly engine: Fixture; readonly plugin: DriverPlugin } {
  let plugin: DriverPlugin | undefined;
  // Before the daemon, whose sandbox it lives in.
  after(() => plugin?.stop());
  const engine = useDaemon();
  before(async () => {
    const { sandbox } = engine.daemon;
    const socket = `/run/docker/plugins/${name}.sock`;
    plugin = new DriverPlugin({ sandbox, script, socket, directory: join(sandbox.directory, 'plugin') });
    await plugin.start();
  });
  afterEach(async () => {
    plugin!.fail({});
    await removeEverything(engine.daemon);
    plugin!.calls();
  });
  return {
    engine,
    get plugin() {
      if (!plugin) throw new Error('the plugin lives only while cases run');
      return plugin;
    },
  };
}
