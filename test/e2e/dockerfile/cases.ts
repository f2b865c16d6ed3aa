import type { BuildCase } from './build-case.ts';
import { adding } from './cases/adding.ts';
import { config } from './cases/config.ts';
import { copyFlags } from './cases/copy-flags.ts';
import { copying } from './cases/copying.ts';
import { ignoring } from './cases/ignoring.ts';
import { refusals } from './cases/refusals.ts';
import { running } from './cases/running.ts';
import { stages } from './cases/stages.ts';
import { syntax } from './cases/syntax.ts';
import { variables } from './cases/variables.ts';

/** By subject, which is also the name of the file with what is expected. */
export const subjects: Readonly<Record<string, readonly BuildCase[]>> = {
  syntax,
  variables,
  config,
  stages,
  copying,
  'copy-flags': copyFlags,
  adding,
  running,
  ignoring,
  refusals,
};
