import { classicFlags, flags, wireFlags } from '../../build/build-flags.ts';
import { ExitError } from '../../exit-error.ts';
import { isChanged } from '../../flags/flag.ts';
import { defineCommand, exactly } from '../command.ts';

export const command = defineCommand({
  usage: '[OPTIONS] PATH | URL | -',
  args: exactly(1),
  complete: ['file'],
  flags,
  async run(cli, values, [source = '']) {
    const limits = Object.keys(classicFlags).filter((name) => isChanged(values, name));
    const richer = Object.keys(wireFlags).filter((name) => isChanged(values, name));
    const isClassic = ['0', 'false'].includes(cli.environment.lookup('DOCKER_BUILDKIT')?.toLowerCase() ?? '');
    if (isClassic && richer.length > 0) {
      throw new ExitError(1, `ERROR: --${richer[0]} needs BuildKit's interface, which DOCKER_BUILDKIT=0 turns off`);
    }
    if (limits.length > 0 && richer.length > 0) {
      throw new ExitError(1, `ERROR: --${limits[0]} and --${richer[0]} cannot be used together`);
    }
    const build = async (ref?: string): Promise<number> => {
      if (isClassic || limits.length > 0) {
        const { classicBuild } = await import('../../build/classic-build.ts');
        await classicBuild(cli, values, source, ref);
        return 0;
      }
      const { buildCommand } = await import('../../build/build-command.ts');
      return await buildCommand(cli, values, source, ref);
    };
    if (!values.explain) return await build();
    const { explained } = await import('../../build/explained.ts');
    return await explained(cli, build);
  },
});
