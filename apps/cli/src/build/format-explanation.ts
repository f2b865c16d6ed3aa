import type { BuildExplanation, BuildStepExplanation } from '@wharf/api/build-history';

const outcomes: Readonly<Record<string, string>> = {
  cached: 'CACHED',
  ran: 'RAN',
  failed: 'FAILED',
  canceled: 'CANCELED',
};

/** Why each step of a build was cached or not, for people. */
export function formatExplanation({ Ref, Name, ComparedWith, Steps }: BuildExplanation): string {
  const [last] = ComparedWith;
  const compared = last === undefined ? 'the first build of its kind' : `compared with ${last}`;
  const name = Name === '' ? '' : ` (${Name})`;
  const steps = Steps.map(formatStep).join('');
  return `Build ${Ref}${name}, ${compared}\n\n${steps}`;
}

function formatStep({ Name, Outcome, Milliseconds, Reasons, Error: error }: BuildStepExplanation): string {
  const took = Outcome === 'cached' ? '' : ` ${(Milliseconds / 1000).toFixed(1)}s`;
  const reasons = Reasons.flatMap(({ Text, Details }) => [`  ${Text}`, ...Details.map((detail) => `    ${detail}`)]);
  const failure = error === undefined ? [] : [`  it failed: ${error}`];
  return `${[`${firstLine(Name)}: ${outcomes[Outcome] ?? Outcome}${took}`, ...reasons, ...failure].join('\n')}\n`;
}

/** Of a command that is a script, the first line is enough to know it by. */
function firstLine(name: string): string {
  const [line = '', ...rest] = name.split('\n');
  return rest.length > 0 ? `${line} ...` : line;
}
