import type { DaemonEnvironment } from './config.ts';

/** A daemon's environment that says nothing. */
export const environment: DaemonEnvironment = {
  listenFds: 0,
  notifySocket: undefined,
  watchdogMicroseconds: 0,
  minimumApiVersion: undefined,
  path: '',
  proxies: { http: '', https: '', no: '' },
  handedOver: undefined,
  faultPoint: undefined,
};
