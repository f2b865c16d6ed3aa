import { metadataOf, reportFailure, writeMetadata } from '../build/build-report.ts';
import { requireDefaultBuilder } from '../build/builders.ts';
import { runBuild } from '../build/run-build.ts';
import type { Cli } from '../cli.ts';
import type { BakeFlags } from '../commands/builder/bake.ts';
import type { Values } from '../flags/flag.ts';
import { BuildTrace } from '../progress/build-trace.ts';
import { chooseDisplay } from '../progress/choose-display.ts';
import { readBakeFiles } from './bake-file.ts';
import { planBake } from './bake-plan.ts';
import { targetSettings } from './target-settings.ts';

/** Builds all targets at once, in one display. The first that fails ends the others. */
export async function bake(cli: Cli, values: Values<BakeFlags>, names: readonly string[]): Promise<void> {
  requireDefaultBuilder(values.builder);
  const plan = planBake(readBakeFiles(values.file, cli.environment.lookup), names, values.set);
  if (values.print) {
    const group = { default: { targets: [...plan.keys()] } };
    cli.out.print(`${JSON.stringify({ group, target: Object.fromEntries(plan) }, null, 2)}\n`);
    return;
  }
  const { push, load, pull, 'no-cache': noCache } = values;
  const targets = [...plan].map(([name, fields]) => ({
    name,
    settings: targetSettings(name, fields, { push, load, pull, noCache }),
  }));
  const display = await chooseDisplay(cli, values.progress);
  const trace = new BuildTrace();
  const controller = new AbortController();
  const building = targets.map(async ({ name, settings }) => {
    try {
      const { signal } = controller;
      const onStatus: Parameters<typeof runBuild>[1]['onStatus'] = (status) => {
        trace.add(status, name);
        display.add(status, name);
      };
      const { response, ref } = await runBuild(cli, { settings, signal, onStatus });
      return [name, metadataOf(response, ref)] as const;
    } catch (error) {
      controller.abort(error);
      throw error;
    }
  });
  const settled = await Promise.allSettled(building);
  display.end();
  if (controller.signal.aborted) {
    reportFailure(trace, cli.err);
    throw controller.signal.reason;
  }
  const metadata = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  if (values['metadata-file'] !== '') writeMetadata(values['metadata-file'], Object.fromEntries(metadata));
}
