import { release } from 'node:os';
import type { VersionInfo } from '@wharf/api/system';
import type { EngineDeps } from '../engine-deps.ts';
import { dockerArchitecture } from './host.ts';

type VersionDeps = Pick<EngineDeps, 'config' | 'runtimes'>;

export function versionInfo({ config, runtimes }: VersionDeps): VersionInfo {
  const { version, apiVersion, minApiVersion, gitCommit, buildTime } = config.build;
  const arch = dockerArchitecture();
  const details = {
    ApiVersion: apiVersion,
    Arch: arch,
    BuildTime: buildTime,
    Experimental: String(config.experimental),
    GitCommit: gitCommit,
    GoVersion: `bun ${process.versions.bun ?? ''}`.trim(),
    KernelVersion: release(),
    MinAPIVersion: minApiVersion,
    Os: 'linux',
  };
  const runtimeComponents = Object.values(runtimes).map(({ command, version: Version }) => ({
    Name: command.name,
    Version,
    Details: { GitCommit: '' },
  }));
  return {
    Platform: { Name: 'Wharf' },
    Version: version,
    ApiVersion: apiVersion,
    MinAPIVersion: minApiVersion,
    Os: 'linux',
    Arch: arch,
    Experimental: config.experimental,
    KernelVersion: details.KernelVersion,
    BuildTime: buildTime,
    GitCommit: gitCommit,
    GoVersion: details.GoVersion,
    Components: [
      { Name: 'Engine', Version: version, Details: details },
      ...new Map(runtimeComponents.map((component) => [component.Name, component])).values(),
    ],
  };
}
