import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { repository } from '../../test/harness/target.ts';
import { median } from '../statistics.ts';
import { createContainer, removeContainer, startContainer } from './containers.ts';
import type { Figure, Measure } from './figure.ts';

/** Start to exit of `wharf` and of the stock client, both against wharfd; the columns are the clients'. */
export const measureClient: Measure = async ({ engines, quick }) => {
  const engine = engines.find(({ name }) => name === 'wharfd');
  if (!engine) return [];
  const ids: string[] = [];
  for (let index = 0; index < 5; index++) {
    ids.push(await createContainer(engine, engine.client));
    await startContainer(engine.client, ids[index]!);
  }
  const figures: Figure[] = [];
  for (const command of ['version', 'ps']) {
    const times = { wharf: [] as number[], docker: [] as number[] };
    for (let round = 0; round < (quick ? 6 : 31); round++) {
      times.wharf.push(await timeOf(join(repository, 'bin/wharf'), command, engine.paths.socket));
      times.docker.push(await timeOf('docker', command, engine.paths.socket));
    }
    const values = { wharfd: median(times.wharf.slice(1)), dockerd: median(times.docker.slice(1)) };
    const promise = { text: 'no slower than docker', kept: values.wharfd <= values.dockerd };
    figures.push({ name: `client: ${command}, start to exit`, unit: 'ms', values, promise });
  }
  for (const id of ids) await removeContainer(engine.client, id);
  return figures;
};

function timeOf(program: string, command: string, socket: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(program, [command], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, DOCKER_HOST: `unix://${socket}` },
    });
    child.stdout.resume();
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve(performance.now() - began);
      else reject(new Error(`${program} ${command} ended with ${code}`));
    });
  });
}
