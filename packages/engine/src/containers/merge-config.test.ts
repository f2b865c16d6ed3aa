import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerConfig } from '@wharf/api/container';
import type { ContainerDefaults } from '@wharf/oci/image-config';
import { commandLine, mergeConfig } from './merge-config.ts';

const empty: ContainerConfig = {
  Hostname: '',
  Domainname: '',
  User: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  ExposedPorts: {},
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: null,
  Cmd: null,
  Healthcheck: null,
  ArgsEscaped: false,
  Image: 'image',
  Volumes: {},
  WorkingDir: '',
  Entrypoint: null,
  NetworkDisabled: false,
  OnBuild: null,
  Labels: {},
  StopSignal: '',
  StopTimeout: null,
  Shell: null,
};
const image: ContainerDefaults = { Entrypoint: ['/entry'], Cmd: ['serve'], Env: ['A=1', 'B=2'], WorkingDir: '/srv' };

function check(what: string, own: Partial<ContainerConfig>, line: string[]): void {
  test(`command: ${what}`, () => assert.deepEqual(commandLine(mergeConfig({ ...empty, ...own }, image)), line));
}

check('all from the image', {}, ['/entry', 'serve']);
check('an own command keeps the entrypoint', { Cmd: ['sh'] }, ['/entry', 'sh']);
check('an own entrypoint drops the command', { Entrypoint: ['/bin/sh'] }, ['/bin/sh']);
check('an empty command inherits', { Cmd: [] }, ['/entry', 'serve']);
check('[""] clears the entrypoint, and with it the command', { Entrypoint: [''], Cmd: ['sh'] }, ['sh']);

test('no command at all is refused', () => {
  assert.throws(() => mergeConfig(empty, {}), /^EngineError: no command specified$/);
  assert.throws(() => mergeConfig({ ...empty, Entrypoint: [''] }, image), /no command specified/);
});

test('own variables win and come first', () => {
  assert.deepEqual(mergeConfig({ ...empty, Env: ['B=3', 'C'] }, image).Env, ['B=3', 'C', 'A=1']);
});

test('a health check inherits what it leaves at 0', () => {
  const own = { Test: null, Interval: 5e9, Timeout: 0, StartPeriod: 0, StartInterval: 0, Retries: 0 };
  const merged = mergeConfig(
    { ...empty, Healthcheck: own },
    { ...image, Healthcheck: { Test: ['CMD', 'x'], Retries: 7 } },
  );
  assert.deepEqual(merged.Healthcheck, { ...own, Test: ['CMD', 'x'], Retries: 7 });
});
