import { formatGoValue } from './go-value.ts';
import type { SettingName, Settings } from './options.ts';

/** What a running daemon takes over from its file on SIGHUP: dockerd's list. The rest waits for the next start. */
export const reloadable = [
  'authorization-plugins',
  'debug',
  'default-cgroupns-mode',
  'default-ipc-mode',
  'default-runtime',
  'default-shm-size',
  'default-stop-timeout',
  'features',
  'insecure-registries',
  'labels',
  'live-restore',
  'log-level',
  'max-concurrent-downloads',
  'max-concurrent-uploads',
  'max-download-attempts',
  'network-diagnostic-port',
  'registry-mirrors',
  'registry-prefix-mirrors',
  'runtimes',
  'shutdown-timeout',
] as const satisfies readonly SettingName[];

/** The present settings with what is reloadable of `loaded`, and the names of what differs and has to wait. */
export function mergeReloaded(present: Settings, loaded: Settings): { settings: Settings; waiting: SettingName[] } {
  const taken = Object.fromEntries(reloadable.map((key) => [key, loaded[key]]));
  const settings = { ...present, ...taken };
  const waiting = (Object.keys(loaded) as SettingName[]).filter(
    (key) => JSON.stringify(loaded[key]) !== JSON.stringify(settings[key]),
  );
  return { settings, waiting };
}

/** The attributes of the `daemon reload` event: what holds now, as dockerd writes it. */
export function reloadAttributes(settings: Settings, defaultRuntime: string): Record<string, string> {
  const list = (values: readonly string[]) => JSON.stringify(values);
  return {
    'authorization-plugins': list(settings['authorization-plugins']),
    debug: String(settings.debug),
    'default-cgroupns-mode': settings['default-cgroupns-mode'],
    'default-ipc-mode': settings['default-ipc-mode'],
    'default-runtime': defaultRuntime,
    'default-shm-size': String(settings['default-shm-size']),
    'default-stop-timeout': String(settings['default-stop-timeout']),
    features: formatGoValue(settings.features),
    'insecure-registries': list(settings['insecure-registries']),
    labels: list(settings.labels),
    'live-restore': String(settings['live-restore']),
    'max-concurrent-downloads': String(settings['max-concurrent-downloads']),
    'max-concurrent-uploads': String(settings['max-concurrent-uploads']),
    'max-download-attempts': String(settings['max-download-attempts']),
    'network-diagnostic-port': String(settings['network-diagnostic-port']),
    'registry-mirrors': list(settings['registry-mirrors']),
    runtimes: Object.entries(settings.runtimes)
      .map(([name, { path }]) => `${name}:${path}`)
      .join(' '),
    'shutdown-timeout': String(settings['shutdown-timeout']),
  };
}

/** For the log. None of these holds a secret. */
export function formatReloaded(settings: Settings): string {
  return JSON.stringify(Object.fromEntries(reloadable.map((key) => [key, settings[key]])));
}
