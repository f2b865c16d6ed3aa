import type { Option } from './option.ts';
import { options } from './options.ts';

/** docs/configuration.md's table of all settings: a test keeps the two the same. */
export function optionsTable(): string {
  const rows = Object.entries(options as unknown as Record<string, Option<unknown>>)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, option]) => `| \`${key}\` | ${flagOf(key, option)} | ${shown(option.fallback)} | ${effect(option)} |`);
  return ['| Key | Flag | Default | Effect |', '|---|---|---|---|', ...rows].join('\n');
}

function flagOf(key: string, { flag, short, fileOnly }: Option<unknown>): string {
  if (fileOnly) return '';
  return short ? `\`-${short}\`, \`--${flag ?? key}\`` : `\`--${flag ?? key}\``;
}

function shown(fallback: unknown): string {
  const isNothing = typeof fallback === 'object' && Object.keys(fallback!).length === 0;
  return fallback === '' || isNothing ? '' : `\`${fallback}\``;
}

function effect({ help, supports }: Option<unknown>): string {
  return supports ? `${help}. **Refused** where it asks for what is not so anyway` : help;
}
