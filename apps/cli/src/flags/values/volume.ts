import { cut } from '../parse.ts';
import { UsageError } from '../usage-error.ts';
import { absolute } from './mount.ts';

/** Binds and named volumes go to HostConfig, paths alone become anonymous volumes. */
export function splitVolumes(volumes: readonly string[]): { binds: string[]; anonymous: string[] } {
  if (volumes.includes('')) throw new UsageError('invalid empty volume spec');
  const given = new Set(volumes.map(normalizeVolume));
  const all = [...given];
  return {
    binds: all.filter((volume) => volume.includes(':')),
    anonymous: all.filter((volume) => !volume.includes(':')),
  };
}

// `-v ./here:/there` names a directory beside the caller.
function normalizeVolume(volume: string): string {
  const [source, rest] = cut(volume, ':');
  if (rest === undefined) return volume;
  const relative = source === '.' || source === '..' || source.startsWith('./') || source.startsWith('../');
  return relative ? `${absolute(source, process.cwd())}:${rest}` : volume;
}
