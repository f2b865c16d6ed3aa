import { syscall } from './syscall.ts';

const CLOCK_REALTIME = 0;
const time = new BigUint64Array(2);

/** The wall clock, to the nanosecond. */
export function readClock(): { seconds: number; nanoseconds: number } {
  syscall('clock_gettime', CLOCK_REALTIME, time);
  return { seconds: Number(time[0]), nanoseconds: Number(time[1]) };
}
