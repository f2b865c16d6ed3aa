import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Delivery, type DeliveryRequest } from './delivery.ts';

/** What the supervisor tells its forwarder, a JSON object a line on stdin. */
export type ForwarderOrder =
  /** A container has begun to log; `run` tells its runs apart. */
  | { readonly op: 'deliver'; readonly run: number; readonly request: DeliveryRequest }
  /** It has ended: what there is is delivered, and no more waited for. */
  | { readonly op: 'end'; readonly run: number }
  /** Nobody will read what has not been delivered. */
  | { readonly op: 'abandon'; readonly run: number };

/** What it answers on stdout: all of this run is delivered. */
export interface ForwarderNews {
  readonly done: number;
}

/**
 * Delivers the logs of all containers to their receivers. It is a process of its own beside the supervisor, which
 * starts it when it has something to deliver: a receiver that is slow, dead or hostile is no business of the process
 * that all containers hang on. It ends with its stdin; what is delivered is on disk.
 */
export async function forwardLogs(warn: (what: string, error: unknown) => void): Promise<void> {
  const deliveries = new Map<number, Delivery>();
  const orders = createInterface({ input: process.stdin });
  for await (const line of orders) {
    const order = JSON.parse(line) as ForwarderOrder;
    switch (order.op) {
      case 'deliver': {
        const delivery = new Delivery(order.request, warn);
        deliveries.set(order.run, delivery);
        void delivery.done.then(() => {
          deliveries.delete(order.run);
          const news: ForwarderNews = { done: order.run };
          writeSync(1, `${JSON.stringify(news)}\n`);
        });
        break;
      }
      case 'end':
        deliveries.get(order.run)?.end();
        break;
      case 'abandon':
        void deliveries.get(order.run)?.stop();
        break;
    }
  }
  await Promise.all([...deliveries.values()].map((delivery) => delivery.stop()));
}
