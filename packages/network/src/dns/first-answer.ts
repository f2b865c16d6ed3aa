import { responseCodes } from './message.ts';

/** How long a server is waited for before the next one is asked as well. */
const patienceMilliseconds = 1000;

/**
 * Asks one after another until one knows: the next is asked when one has nothing to say, reports a failure of its own
 * or refuses, and when one is slow, which may still win. Where nobody knows, a failure that was reported is the answer.
 */
export async function firstAnswer(asks: readonly (() => Promise<Buffer | undefined>)[]): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  let failure: Buffer | undefined;
  let running = 0;
  let next = 0;
  let timer: NodeJS.Timeout | undefined;
  const askNext = () => {
    clearTimeout(timer);
    const ask = asks[next++];
    if (!ask) {
      if (running === 0) resolve(failure);
      return;
    }
    running++;
    if (next < asks.length) timer = setTimeout(askNext, patienceMilliseconds);
    void ask().then((answer) => {
      running--;
      if (answer && !isFailure(answer)) resolve(answer);
      else {
        failure ??= answer;
        askNext();
      }
    });
  };
  askNext();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    // Nobody else is asked once there is an answer.
    next = asks.length;
  }
}

function isFailure(answer: Buffer): boolean {
  const code = answer[3]! & 15;
  return code === responseCodes.serverFailure || code === responseCodes.refused;
}
