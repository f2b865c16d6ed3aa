import { expect, test } from 'bun:test';
import type { DockerfileStep } from '../solver/frontend.ts';
import type { BuildEvent } from '../solver/progress.ts';
import { CommandError } from '../solver/solve-error.ts';
import { ClassicProgress } from './classic-progress.ts';
import { type PlannedStep, planSteps } from './step-plan.ts';

const image = 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';

function step(code: string, vertices: readonly string[] = []): PlannedStep {
  return { code, vertices, triggers: 0, id: 'aaa', isFrom: code.startsWith('FROM') };
}

function ended(digest: string, cached = false): BuildEvent {
  return { kind: 'vertex', digest, name: digest, inputs: [], cached, started: 1n, completed: 2n };
}

function printed(digest: string, text: string): BuildEvent {
  return { kind: 'log', vertex: digest, stream: 1, bytes: Buffer.from(text), timestamp: 1n };
}

/** A build that is told of, and what was said so far. */
function open(steps: readonly PlannedStep[]) {
  let said = '';
  const progress = new ClassicProgress(({ stream, error }) => (said += stream ?? error ?? ''), { quiet: false });
  progress.plan(steps);
  return { progress, said: () => said };
}

test('steps that run at the same time are told one after another', () => {
  const { progress, said } = open([step('FROM a'), step('RUN one', ['1']), step('FROM b'), step('RUN two', ['2'])]);
  progress.running('2', 'second');
  progress.event(printed('2', 'of two\n'));
  progress.event(ended('2'));
  progress.running('1', 'first');
  progress.event(printed('1', 'of one\n'));
  expect(said()).toBe('Step 1/4 : FROM a\n ---> aaa\nStep 2/4 : RUN one\n ---> Running in first\nof one\n');
  progress.event(ended('1'));
  progress.done(image, ['x:1']);
  expect(said().split('of one\n')[1]).toBe(
    'Removing intermediate container first\n ---> aaa\nStep 3/4 : FROM b\n ---> aaa\nStep 4/4 : RUN two\n' +
      ' ---> Running in second\nof two\nRemoving intermediate container second\n' +
      ' ---> 0123456789ab\nSuccessfully built 0123456789ab\nSuccessfully tagged x:1\n',
  );
});

test('what was there already is said of each instruction after it, until something runs', () => {
  const { progress, said } = open([step('FROM a'), step('RUN one', ['1']), step('ENV a=b'), step('RUN two', ['2'])]);
  progress.event(ended('1', true));
  progress.event(ended('2'));
  progress.done(image, []);
  expect(said().match(/Step \d|Using cache/g)).toEqual([
    'Step 1',
    'Step 2',
    'Using cache',
    'Step 3',
    'Using cache',
    'Step 4',
  ]);
});

test('a step that prints on and on while another one is told does not fill the memory', () => {
  const { progress, said } = open([step('FROM a'), step('RUN one', ['1']), step('RUN two', ['2'])]);
  for (let count = 0; count < 40; count++) progress.event(printed('2', `${count} `.repeat(1 << 15)));
  progress.event(ended('1'));
  const told = said().split('RUN two\n')[1] ?? '';
  expect(told.length).toBeLessThan(1.5 * (1 << 20));
  expect(told).toStartWith('[output clipped]\n');
  expect(told).toEndWith('39 ');
});

test('a command that fails is the last step that is told', () => {
  const { progress, said } = open([step('FROM a'), step('RUN one', ['1']), step('FROM b'), step('RUN two', ['2'])]);
  progress.running('1', 'first');
  progress.running('2', 'second');
  progress.event(printed('2', 'bad\n'));
  progress.commandFailed('2', new CommandError(['/bin/sh', '-c', 'two'], 3));
  expect(said()).toEndWith(
    "Step 4/4 : RUN two\n ---> Running in second\nbad\nThe command '/bin/sh -c two' returned a non-zero code: 3",
  );
});

test('steps are those of the Dockerfile, with the triggers of a base image in its own', () => {
  const instruction = (code: string, isTrigger = false): DockerfileStep => ({
    code,
    isTrigger,
    vertex: undefined,
    changed: false,
  });
  const steps = planSteps(
    [instruction('ARG A=1'), instruction('FROM scratch'), instruction('RUN x', true), instruction('ENV b=c')],
    undefined,
  );
  expect(steps.map(({ code, triggers, id }) => [code, triggers, id?.length])).toEqual([
    ['ARG A=1', 0, undefined],
    ['FROM scratch', 1, 12],
    ['ENV b=c', 0, 12],
  ]);
});
