import type { ParsedFile } from '../parser/parser.ts';
import { locate, SourceError } from '../source-error.ts';
import type { Dockerfile, Instruction, InstructionOf, Stage, StageInstruction } from './instruction.ts';
import { parseInstruction } from './parse-instruction.ts';

/** Sorts the instructions of a file into its stages. */
export function parseStages(file: ParsedFile): Dockerfile {
  const globalArgs: InstructionOf<'arg'>[] = [];
  const stages: (Stage & { readonly instructions: StageInstruction[] })[] = [];
  for (const node of file.nodes) {
    const instruction = readInstruction(node);
    const stage = stages.at(-1);
    if (instruction.kind === 'from') stages.push({ ...instruction, instructions: [] });
    else if (stage) stage.instructions.push(instruction);
    else if (instruction.kind === 'arg') globalArgs.push(instruction);
    else throw new SourceError('no build stage in current context', node.ranges);
  }
  if (stages.length === 0) throw new SourceError('dockerfile contains no stages to build', []);
  return { globalArgs, stages, escapeToken: file.escapeToken };
}

function readInstruction(node: ParsedFile['nodes'][number]): Instruction {
  try {
    return parseInstruction(node);
  } catch (thrown) {
    const line = node.ranges[0]?.start.line ?? 0;
    throw locate(thrown, node.ranges, `dockerfile parse error on line ${line}: `);
  }
}
