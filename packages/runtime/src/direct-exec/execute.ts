import type { OciProcess } from '@wharf/oci/runtime-spec';
import type { ReportingProgram } from './reporting-program.ts';

const AT_FDCWD = -100;
const F_OK = 0;
const X_OK = 1;

/** Replaces the program by the process' own, found in PATH as runc does: the first that is a file and may be executed. */
export function execute(program: ReportingProgram, { args, env }: OciProcess): void {
  const argv = program.words([...args.map((text) => program.text(text)), 0]);
  const environment = program.words([...env.map((text) => program.text(text)), 0]);
  const [name = ''] = args;
  if (name.includes('/')) {
    program.must('execute', 'execve', [program.text(name), argv, environment]);
    return;
  }
  for (const directory of searchPath(env) ?? []) {
    const next = program.label();
    const path = program.text(`${directory}/${name}`);
    program.call('faccessat', [AT_FDCWD, path, X_OK], { error: next });
    program.call('faccessat', [AT_FDCWD, program.text(`${directory}/${name}/.`), F_OK], { positive: next, zero: next });
    program.must('execute', 'execve', [path, argv, environment]);
    program.place(next);
  }
  program.goto(program.failed('find'));
}

/** PATH's directories; undefined where they are not plainly that. */
export function searchPath(env: readonly string[]): string[] | undefined {
  const found = env.findLast((entry) => entry.startsWith('PATH='));
  const directories = found?.slice('PATH='.length).split(':') ?? [];
  return directories.length > 0 && directories.every((path) => path.startsWith('/')) ? directories : undefined;
}
