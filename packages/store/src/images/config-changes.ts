import { invalidArgument, notImplemented } from '@wharf/base/error';
import type { ContainerDefaults } from '@wharf/oci/image-config';

type Changes = { -readonly [Key in keyof ContainerDefaults]: ContainerDefaults[Key] };

/** Applies `--change` instructions (`CMD ["sh"]`, `ENV a=b`) in order. Throws invalid_argument for a bad one. */
export function applyChanges(base: ContainerDefaults, instructions: readonly string[]): ContainerDefaults {
  const config: Changes = { ...base };
  for (const instruction of instructions) applyChange(config, instruction.trim());
  return config;
}

function applyChange(config: Changes, instruction: string): void {
  const [, word = '', rest = ''] = /^(\S+)\s*([\s\S]*)$/.exec(instruction) ?? [];
  const name = word.toUpperCase();
  if (rest === '' && name !== '') throw invalidArgument(`${name} requires at least one argument`);
  switch (name) {
    case 'CMD':
      config.Cmd = commandOf(rest);
      return;
    case 'ENTRYPOINT':
      config.Entrypoint = commandOf(rest);
      return;
    case 'ENV':
      for (const [key, value] of pairs(rest, name)) config.Env = withVariable(config.Env ?? [], key, value);
      return;
    case 'LABEL':
      config.Labels = { ...config.Labels, ...Object.fromEntries(pairs(rest, name)) };
      return;
    case 'EXPOSE':
      config.ExposedPorts = { ...config.ExposedPorts, ...Object.fromEntries(words(rest).map(exposedPort)) };
      return;
    case 'VOLUME': {
      const paths = jsonList(rest) ?? words(rest);
      config.Volumes = { ...config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) };
      return;
    }
    case 'USER':
      config.User = rest;
      return;
    case 'WORKDIR':
      config.WorkingDir = rest.startsWith('/') ? rest : `${config.WorkingDir || ''}/${rest}`;
      return;
    case 'STOPSIGNAL':
      config.StopSignal = rest;
      return;
    case 'ONBUILD':
      config.OnBuild = [...(config.OnBuild ?? []), rest];
      return;
    case 'SHELL':
      config.Shell = jsonList(rest) ?? refuseShell();
      return;
    case 'HEALTHCHECK':
      throw notImplemented('the change HEALTHCHECK');
  }
  throw invalidArgument(`${name.toLowerCase()} is not a valid change command`);
}

function refuseShell(): never {
  throw invalidArgument('SHELL requires the arguments to be in JSON form');
}

function commandOf(text: string): string[] {
  return jsonList(text) ?? ['/bin/sh', '-c', text];
}

function jsonList(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}

function withVariable(variables: readonly string[], key: string, value: string): string[] {
  const others = variables.filter((variable) => !variable.startsWith(`${key}=`));
  return [...others, `${key}=${value}`];
}

/** `a=b c="d e"`, or the old `a b c` for one value. */
function pairs(text: string, name: string): [string, string][] {
  const all = words(text);
  if (!all[0]?.includes('=')) {
    const [, key = '', value] = /^(\S+)\s+([\s\S]*)$/.exec(text) ?? [];
    if (value === undefined) throw invalidArgument(`${name} must have two arguments`);
    return [[key, value]];
  }
  return all.map((word) => {
    const equals = word.indexOf('=');
    if (equals <= 0)
      throw invalidArgument(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

/** Words as a shell splits them: quotes group, a backslash takes the next char as it is. */
function words(text: string): string[] {
  const found: string[] = [];
  for (const [word] of text.matchAll(/(?:[^\s"'\\]|\\[\s\S]|"(?:[^"\\]|\\[\s\S])*"|'[^']*')+/g)) {
    found.push(
      word.replace(
        /\\([\s\S])|"((?:[^"\\]|\\[\s\S])*)"|'([^']*)'/g,
        (_, escaped, double, single) => escaped ?? single ?? String(double).replace(/\\(["\\$])/g, '$1'),
      ),
    );
  }
  return found;
}

function exposedPort(text: string): [string, object] {
  const match = /^([0-9]+)(?:-([0-9]+))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const port = Number(match?.[1]);
  if (!match || match[2] !== undefined || port < 1 || port > 65535)
    throw invalidArgument(`invalid containerPort: ${text}`);
  return [`${port}/${(match[3] ?? 'tcp').toLowerCase()}`, {}];
}
