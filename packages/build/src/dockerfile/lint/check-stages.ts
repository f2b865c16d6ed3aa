import type { Dockerfile, Instruction, StageInstruction } from '../instructions/instruction.ts';
import type { ParsedFile } from '../parser/parser.ts';
import type { Linter } from './linter.ts';
import { rules } from './rules.ts';

const reservedNames = new Set(['context', 'scratch']);

/** What can be seen before anything is expanded. */
export function checkStages({ stages, globalArgs }: Dockerfile, file: ParsedFile, linter: Linter): void {
  for (const ranges of file.emptyContinuations) linter.report(rules.noEmptyContinuation, ranges);
  const names = new Set<string>();
  for (const stage of stages) {
    const { name, typedName, keyword, asKeyword, ranges, comments } = stage;
    if (name !== '') {
      if (typedName !== name) linter.report(rules.stageNameCasing, ranges, typedName);
      if (isMismatched(keyword, asKeyword)) linter.report(rules.fromAsCasing, ranges, keyword, asKeyword);
      if (reservedNames.has(name)) linter.report(rules.reservedStageName, ranges, name);
      if (names.has(name)) linter.report(rules.duplicateStageName, ranges, name);
      names.add(name);
      checkDescription(linter, 'FROM', [name], comments, ranges);
    }
    for (const instruction of stage.instructions) checkInstruction(instruction, linter);
  }
  for (const instruction of globalArgs) checkInstruction(instruction, linter);
  checkCasing([...stages.flatMap((stage) => [stage, ...stage.instructions])], linter);
}

function isMismatched(keyword: string, as: string): boolean {
  return isLower(keyword) ? !isLower(as) : isUpper(keyword) && !isUpper(as);
}

function checkInstruction(instruction: StageInstruction, linter: Linter): void {
  const { kind, ranges } = instruction;
  if (kind === 'maintainer') linter.report(rules.maintainerDeprecated, ranges);
  if (kind === 'arg') {
    const keys = instruction.args.map(({ key }) => key);
    checkDescription(linter, 'ARG', keys, instruction.comments, ranges);
  }
}

function checkDescription(
  linter: Linter,
  instruction: string,
  names: readonly string[],
  comments: readonly string[],
  ranges: Instruction['ranges'],
): void {
  const last = comments.at(-1);
  if (last === undefined || names.some((name) => last.startsWith(`${name} `))) return;
  for (const name of names) linter.report(rules.invalidDefinitionDescription, ranges, instruction, name);
}

function checkCasing(instructions: readonly Instruction[], linter: Linter): void {
  const lower = instructions.filter(({ keyword }) => isLower(keyword)).length;
  const upper = instructions.filter(({ keyword }) => isUpper(keyword)).length;
  const wantLower = lower > upper;
  for (const { keyword, ranges } of instructions) {
    if (wantLower ? isLower(keyword) : isUpper(keyword)) continue;
    linter.report(rules.consistentInstructionCasing, ranges, keyword, wantLower ? 'lowercase' : 'uppercase');
  }
}

function isLower(text: string): boolean {
  return text === text.toLowerCase();
}

function isUpper(text: string): boolean {
  return text === text.toUpperCase();
}
