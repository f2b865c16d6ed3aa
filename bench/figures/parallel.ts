import { pause } from '../engines/engine.ts';
import { runToExit } from './containers.ts';
import { atLeast, inTurn, type Measure } from './figure.ts';
import { mediansOf } from './start.ts';

/** Eight clients that run `true` again and again. */
export const measureParallel: Measure = async ({ engines, quick }) => {
  const total = quick ? 16 : 48;
  const rates = await inTurn(engines, quick ? 1 : 3, async (engine) => {
    let left = total;
    const began = performance.now();
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        const [client, waiter] = [engine.connect(), engine.connect()];
        while (left-- > 0) await runToExit(engine, client, waiter);
        client.close();
        waiter.close();
      }),
    );
    const rate = total / ((performance.now() - began) / 1000);
    await pause(500);
    return rate;
  });
  const values = mediansOf(rates);
  return [{ name: 'eight at once, run to removed', unit: '/s', values, promise: atLeast(values, 8, 'dockerd') }];
};
