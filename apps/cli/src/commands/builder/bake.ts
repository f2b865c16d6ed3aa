import { reportFlags } from '../../build/build-flags.ts';
import { bool, list, text } from '../../flags/flag.ts';
import { defineCommand } from '../command.ts';

export const command = defineCommand({
  usage: '[OPTIONS] [TARGET...]',
  args: { min: 0, max: Number.POSITIVE_INFINITY },
  flags: {
    ...reportFlags,
    builder: text('Kept for scripts: the one builder is the daemon ("default")', { complete: ['default'] }),
    file: list('Bake file, of JSON', { kind: 'stringArray', short: 'f', complete: 'file' }),
    load: bool('Keep the images in the engine'),
    'no-cache': bool('Run every step again'),
    print: bool('Print what would be built, and do not build'),
    pull: bool('Ask the registries for newer base images'),
    push: bool('Push the images to their registries'),
    set: list('Change a field of targets (target.key=value)', { kind: 'stringArray', complete: 'none' }),
  },
  async run(cli, values, names) {
    const { bake } = await import('../../bake/bake.ts');
    await bake(cli, values, names);
  },
});

export type BakeFlags = typeof command.flags;
