import type { ApiClient, ApiResponse } from '@wharf/api/client/api-client';
import type { WaitResponse } from '@wharf/api/container';
import { describeError } from '../../describe-error.ts';
import { ExitError } from '../../exit-error.ts';

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

/** An armed wait: the daemon has answered with its headers, so nothing that happens from now on is missed. */
export interface Wait {
  readonly exit: Promise<number>;
}

export async function armWait(client: ApiClient, id: string, condition: WaitCondition): Promise<Wait> {
  const response = await client.request('POST', `/containers/${id}/wait`, { query: { condition } });
  const exit = readExit(response);
  // Awaited later, after the streams have ended.
  exit.catch(() => {});
  return { exit };
}

async function readExit({ body }: ApiResponse): Promise<number> {
  let text = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of body) text += decoder.decode(chunk, { stream: true });
  } catch (error) {
    throw new ExitError(125, `error waiting for container: ${describeError(error)}`);
  }
  const { StatusCode, Error: failure }: WaitResponse = JSON.parse(text);
  if (failure) throw new ExitError(125, `error waiting for container: ${failure.Message}`);
  return StatusCode;
}
