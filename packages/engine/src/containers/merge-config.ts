import type { ContainerConfig, HealthConfig } from '@wharf/api/container';
import { invalidArgument } from '@wharf/base/error';
import type { ContainerDefaults } from '@wharf/oci/image-config';

/**
 * What the client leaves open comes from the image. Docker's rules: an own entrypoint drops the image's command,
 * `['']` clears the entrypoint. Throws `no command specified`.
 */
export function mergeConfig(own: ContainerConfig, image: ContainerDefaults = {}): ContainerConfig {
  const hasEntrypoint = own.Entrypoint !== null && own.Entrypoint.length > 0;
  const hasCommand = own.Cmd !== null && own.Cmd.length > 0;
  const entrypoint = own.Entrypoint ?? copy(image.Entrypoint);
  const merged: ContainerConfig = {
    ...own,
    User: own.User || (image.User ?? ''),
    ExposedPorts: { ...image.ExposedPorts, ...own.ExposedPorts },
    Env: mergeEnvironment(own.Env, image.Env),
    Labels: { ...image.Labels, ...own.Labels },
    Entrypoint: entrypoint?.length === 1 && entrypoint[0] === '' ? null : entrypoint,
    Cmd: hasEntrypoint || hasCommand ? own.Cmd : copy(image.Cmd),
    Healthcheck: mergeHealthcheck(own.Healthcheck, image.Healthcheck),
    WorkingDir: own.WorkingDir || (image.WorkingDir ?? ''),
    Volumes: { ...image.Volumes, ...own.Volumes },
    StopSignal: own.StopSignal || (image.StopSignal ?? ''),
  };
  if (commandLine(merged).length === 0) throw invalidArgument('no command specified');
  return merged;
}

/** Entrypoint and Cmd, as they are run. */
export function commandLine({ Entrypoint, Cmd }: Pick<ContainerConfig, 'Entrypoint' | 'Cmd'>): string[] {
  return [...(Entrypoint ?? []), ...(Cmd ?? [])];
}

/** The client's come first, in its order; those of the image that it does not name follow. */
function mergeEnvironment(own: string[] | null, inherited: readonly string[] | null | undefined): string[] | null {
  const image = inherited ?? [];
  if (own === null || own.length === 0) return image.length === 0 ? own : [...image];
  const named = new Set(own.map(variableName));
  return [...own, ...image.filter((entry) => !named.has(variableName(entry)))];
}

function copy(list: readonly string[] | null | undefined): string[] | null {
  return list ? [...list] : null;
}

function variableName(entry: string): string {
  return entry.split('=', 1)[0]!;
}

function mergeHealthcheck(own: HealthConfig | null, image: ContainerDefaults['Healthcheck']): HealthConfig | null {
  if (!image) return own;
  const test = own?.Test && own.Test.length > 0 ? own.Test : copy(image.Test);
  return {
    Test: test,
    Interval: own?.Interval || (image.Interval ?? 0),
    Timeout: own?.Timeout || (image.Timeout ?? 0),
    StartPeriod: own?.StartPeriod || (image.StartPeriod ?? 0),
    StartInterval: own?.StartInterval || (image.StartInterval ?? 0),
    Retries: own?.Retries || (image.Retries ?? 0),
  };
}
