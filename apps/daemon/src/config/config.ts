import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compareApiVersions, minimumApiVersion, newestApiVersion, parseApiVersion } from '@wharf/api/version';
import { invalidArgument, notImplemented } from '@wharf/base/error';
import { checkSettings, withoutConflicts } from './check-settings.ts';
import { configFileError, formatSetting, parseConfigFile, refuseConflicts } from './config-file.ts';
import type { ParsedFlags } from './flags.ts';
import type { Option } from './option.ts';
import { options, type SettingName, type Settings } from './options.ts';

export const defaultConfigFile = '/etc/wharf/daemon.json';

/** Names the sockets that outlive an upgrade in place, as JSON. */
export const handOverVariable = 'WHARF_HANDED_OVER';

/** What the environment tells the daemon. */
export interface DaemonEnvironment {
  readonly listenFds: number;
  readonly notifySocket: string | undefined;
  /** How long systemd waits for a sign of life; 0 asks for none. */
  readonly watchdogMicroseconds: number;
  readonly minimumApiVersion: string | undefined;
  readonly path: string;
  readonly proxies: { readonly http: string; readonly https: string; readonly no: string };
  /** Sockets that the program which executed this one left open, by `-H`; undefined at an ordinary start. */
  readonly handedOver: ReadonlyMap<string, number> | undefined;
  /** `prefix:number`: die at that step, for tests. */
  readonly faultPoint: string | undefined;
}

export function readEnvironment(): DaemonEnvironment {
  const { env } = process;
  const isUs = (pid: string | undefined) => pid === undefined || pid === String(process.pid);
  return {
    listenFds: isUs(env.LISTEN_PID) ? Number(env.LISTEN_FDS ?? 0) : 0,
    notifySocket: env.NOTIFY_SOCKET,
    watchdogMicroseconds: isUs(env.WATCHDOG_PID) ? Number(env.WATCHDOG_USEC ?? 0) : 0,
    minimumApiVersion: env.DOCKER_MIN_API_VERSION,
    path: env.PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    proxies: {
      http: env.HTTP_PROXY ?? env.http_proxy ?? '',
      https: env.HTTPS_PROXY ?? env.https_proxy ?? '',
      no: env.NO_PROXY ?? env.no_proxy ?? '',
    },
    handedOver: env[handOverVariable] ? new Map(Object.entries(JSON.parse(env[handOverVariable]))) : undefined,
    faultPoint: env.WHARF_FAULT_POINT,
  };
}

/** Joins flags and file into the whole configuration. Throws what dockerd prints before it gives up. */
export function loadSettings({ settings: flags, configFile }: ParsedFlags, environment: DaemonEnvironment): Settings {
  const path = configFile ?? defaultConfigFile;
  const file = readConfigFile(path, configFile !== undefined);
  try {
    refuseConflicts(flags, file);
  } catch (error) {
    throw configFileError(path, error);
  }
  const given: Partial<Settings> = { ...file, ...flags };
  if (file.runtimes && flags.runtimes) Object.assign(given, { runtimes: { ...file.runtimes, ...flags.runtimes } });
  refuseUnsupported(given);
  const fallbacks = Object.entries(options).map(([name, option]) => [name, (option as Option<unknown>).fallback]);
  const settings = { ...(Object.fromEntries(fallbacks) as Settings), ...given };
  return complete(settings, environment);
}

function readConfigFile(path: string, required: boolean): Partial<Settings> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!required && (error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw configFileError(path, invalidArgument(`open ${path}: ${(error as Error).message}`, { cause: error }));
  }
  try {
    return parseConfigFile(text);
  } catch (error) {
    throw configFileError(path, error);
  }
}

/** Known to dockerd, and not done here: never silently. */
function refuseUnsupported(given: Partial<Settings>): void {
  for (const [key, value] of Object.entries(given)) {
    const { supports } = options[key as SettingName] as unknown as Option<unknown>;
    if (supports && !supports(value)) throw notImplemented(`${key}=${formatSetting(key, value)}`);
  }
}

function complete(settings: Settings, environment: DaemonEnvironment): Settings {
  const minimum = environment.minimumApiVersion ?? settings['min-api-version'];
  checkMinimumVersion(minimum);
  checkSettings(settings);
  return {
    ...settings,
    labels: withoutConflicts(settings.labels),
    'min-api-version': minimum,
    'log-level': settings.debug ? 'debug' : settings['log-level'],
    pidfile: settings.pidfile || join(settings['exec-root'], 'wharfd.pid'),
    hosts: settings.hosts.length > 0 ? settings.hosts : [`unix://${settings['exec-root']}/wharf.sock`],
    tls: settings.tls || settings.tlsverify,
    // 0 asks for the default.
    'max-concurrent-downloads': settings['max-concurrent-downloads'] || options['max-concurrent-downloads'].fallback,
    'max-concurrent-uploads': settings['max-concurrent-uploads'] || options['max-concurrent-uploads'].fallback,
    'http-proxy': settings['http-proxy'] || environment.proxies.http,
    'https-proxy': settings['https-proxy'] || environment.proxies.https,
    'no-proxy': settings['no-proxy'] || environment.proxies.no,
  };
}

function checkMinimumVersion(text: string): void {
  const version = parseApiVersion(text);
  if (!version) throw invalidArgument(`invalid API version: ${JSON.stringify(text)}`);
  if (compareApiVersions(version, parseApiVersion(minimumApiVersion)!) < 0) {
    throw invalidArgument(`minimum supported API version is ${minimumApiVersion}: ${text}`);
  }
  if (compareApiVersions(version, parseApiVersion(newestApiVersion)!) > 0) {
    throw invalidArgument(`maximum supported API version is ${newestApiVersion}: ${text}`);
  }
}
