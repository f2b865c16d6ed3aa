import { parseSize } from '@wharf/base/size';
import type { LogTarget } from '@wharf/runtime/supervisor/supervisor';
import type { ContainerRecord } from './container-record.ts';

/** Where a container's output goes. Options were checked when it was created. */
export function logTarget({ config, hostConfig, logPath }: ContainerRecord): LogTarget {
  const { Type, Config } = hostConfig.LogConfig;
  if (Type === 'none') return { driver: 'none' };
  const maxSize = Config['max-size'];
  const maxFiles = Config['max-file'];
  const attributes = logAttributes(config.Labels, config.Env ?? [], Config);
  return {
    driver: Type === 'local' ? 'local' : 'json-file',
    path: logPath,
    ...(maxSize !== undefined && maxSize !== '-1' && { maxSize: parseSize(maxSize) }),
    ...(maxFiles !== undefined && { maxFiles: Number(maxFiles) }),
    ...(Config.compress !== undefined && { compress: ['true', '1'].includes(Config.compress) }),
    ...(Object.keys(attributes).length > 0 && { attributes }),
  };
}

/** `labels` and `env` name what goes into each line, `labels-regex` and `env-regex` match names. */
function logAttributes(
  labels: Readonly<Record<string, string>>,
  env: readonly string[],
  options: Readonly<Record<string, string>>,
): Record<string, string> {
  const variables = Object.fromEntries(env.map((entry) => splitVariable(entry)));
  return {
    ...pick(labels, options.labels, options['labels-regex']),
    ...pick(variables, options.env, options['env-regex']),
    ...(options.tag !== undefined && options.tag !== '' && { tag: options.tag }),
  };
}

function splitVariable(entry: string): [string, string] {
  const equals = entry.indexOf('=');
  return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
}

function pick(
  from: Readonly<Record<string, string>>,
  names: string | undefined,
  pattern: string | undefined,
): Record<string, string> {
  const wanted = new Set(names?.split(',') ?? []);
  const regex = pattern === undefined || pattern === '' ? undefined : new RegExp(pattern);
  return Object.fromEntries(Object.entries(from).filter(([name]) => wanted.has(name) || regex?.test(name)));
}
