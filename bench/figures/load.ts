import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { imageArchive } from '../../test/fixtures/image.ts';
import { tar } from '../../test/fixtures/tar.ts';
import { atLeast, atMost, inTurn, type Measure } from './figure.ts';
import { mediansOf } from './start.ts';

const program = readFileSync(process.execPath);

/** A program's bytes, which pack as those of images do, from a place of their own; and a few that nothing else has. */
function fileContent(size: number): Buffer {
  const at = randomInt(program.length - size);
  const content = Buffer.from(program.subarray(at, at + size));
  randomBytes(16).copy(content);
  return content;
}

/** Layers of files of 4 to 60 KB, which nothing before shares. */
export function imageLayers(megabytes: number, count: number, generation: number): Buffer[] {
  return Array.from({ length: count }, (_, layer) => {
    const files = [];
    let left = (megabytes * 1_000_000) / count;
    for (let index = 0; left > 0; index++) {
      const size = 4096 + ((index * 7919) % 57_344);
      files.push({ name: `l${layer}/d${index % 50}/f${index}-${generation}`, content: fileContent(size) });
      left -= size;
    }
    return tar(files);
  });
}

/** An image of 8 layers with 2,000 files each: 500 MB. */
function largeImage(megabytes: number, generation: number): Buffer {
  return imageArchive(`large:${generation}`, imageLayers(megabytes, 8, generation));
}

/** `docker load` of an image that shares nothing with any before. */
export const measureLoad: Measure = async ({ engines, quick }) => {
  const megabytes = quick ? 100 : 500;
  let generation = 0;
  const images: Buffer[] = [];
  const cpu: Record<string, number[]> = Object.fromEntries(engines.map(({ name }) => [name, []]));
  const rates = await inTurn(engines, quick ? 1 : 3, async (engine) => {
    const round = engine === engines[0] ? generation++ : generation - 1;
    images[0] = engine === engines[0] ? largeImage(megabytes, round) : images[0]!;
    const before = engine.cpuMilliseconds();
    const began = performance.now();
    const { status, body } = await engine.client.request('POST', '/v1.40/images/load?quiet=1', images[0]);
    if (status !== 200 || body.includes('errorDetail')) throw new Error(`${engine.name}: load: ${status} ${body}`);
    const rate = megabytes / ((performance.now() - began) / 1000);
    cpu[engine.name]!.push((engine.cpuMilliseconds() - before) / megabytes);
    await engine.client.call('DELETE', `/v1.40/images/large:${round}?force=1`);
    return rate;
  });
  const [values, byCpu] = [mediansOf(rates), mediansOf(cpu)];
  return [
    { name: `load of a ${megabytes} MB image`, unit: 'MB/s', values, promise: atLeast(values, 2, 'dockerd') },
    {
      name: `load of a ${megabytes} MB image, a GB`,
      unit: 'CPU s',
      values: byCpu,
      promise: atMost(byCpu, 1 / 4, 'dockerd'),
    },
  ];
};
