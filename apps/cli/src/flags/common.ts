import { bool, list, text } from './flag.ts';
import { checkFilter } from './key-values.ts';

const templates = `Shape of the output:
'table': columns with headers (default)
'table TEMPLATE': columns of a Go template's choosing
'json': one JSON object a line
'TEMPLATE': what the Go template makes of each`;

/** The flags that many commands share. */
export const listFormat = text(templates, { complete: ['table', 'json'] });
export const inspectFormat = text(
  `Shape of the output:
'json': one JSON value
'TEMPLATE': what the Go template makes of each`,
  { short: 'f', complete: ['json'] },
);
export const filter = (examples: string) =>
  list(`Show only what fits (e.g. ${examples})`, { short: 'f', kind: 'filter', check: checkFilter, complete: 'none' });
export const pruneFilter = list('Remove only what fits (e.g. "until=24h", "label=key=value")', {
  kind: 'filter',
  check: checkFilter,
  complete: 'none',
});
export const force = bool('Do not ask', { short: 'f' });
export const noTrunc = bool("Don't shorten ids and texts");
export const detachKeys = text('Keys that detach from the container (default "ctrl-p,ctrl-q")', { complete: 'none' });
