import type { SystemInfo } from '@wharf/api/system';
import { binarySize } from '../../format/units.ts';

/** The daemon's part of `info`, in docker's order. */
export function describeDaemon(info: SystemInfo, debug: boolean): string {
  const lines: string[] = [];
  const add = (name: string, value: unknown) => lines.push(` ${name}: ${value ?? ''}`);
  const addSet = (name: string, value: unknown) => {
    if (value !== undefined && value !== null && value !== '') add(name, value);
  };
  add('Containers', info.Containers);
  add(' Running', info.ContainersRunning);
  add(' Paused', info.ContainersPaused);
  add(' Stopped', info.ContainersStopped);
  add('Images', info.Images);
  addSet('Server Version', info.ServerVersion);
  addSet('Storage Driver', info.Driver);
  for (const [name, value] of info.DriverStatus ?? []) lines.push(`  ${name}: ${value}`);
  addSet('Logging Driver', info.LoggingDriver);
  addSet('Cgroup Driver', info.CgroupDriver);
  addSet('Cgroup Version', info.CgroupVersion);
  addPlugins(lines, info.Plugins);
  addList(lines, 'CDI spec directories', info.CDISpecDirs);
  add('Swarm', info.Swarm?.LocalNodeState ?? '');
  const runtimes = Object.keys(info.Runtimes ?? {});
  if (runtimes.length > 0) {
    add('Runtimes', runtimes.join(' '));
    add('Default Runtime', info.DefaultRuntime);
  }
  if (info.OSType === 'linux') addLinux(lines, info);
  addSet('Kernel Version', info.KernelVersion);
  addSet('Operating System', info.OperatingSystem);
  addSet('OSType', info.OSType);
  addSet('Architecture', info.Architecture);
  add('CPUs', info.NCPU);
  add('Total Memory', binarySize(info.MemTotal));
  addSet('Name', info.Name);
  addSet('ID', info.ID);
  add('Docker Root Dir', info.DockerRootDir);
  add('Debug Mode', info.Debug);
  if (info.Debug || debug) {
    add(' File Descriptors', info.NFd);
    add(' Goroutines', info.NGoroutines);
    add(' System Time', info.SystemTime);
    add(' EventsListeners', info.NEventsListener);
  }
  addSet('HTTP Proxy', info.HttpProxy);
  addSet('HTTPS Proxy', info.HttpsProxy);
  addSet('No Proxy', info.NoProxy);
  addList(lines, 'Labels', info.Labels);
  add('Experimental', info.ExperimentalBuild);
  addRegistries(lines, info);
  add('Live Restore Enabled', info.LiveRestoreEnabled);
  addSet('Product License', info.ProductLicense);
  if (info.DefaultAddressPools?.length) {
    lines.push(' Default Address Pools:');
    for (const { Base, Size } of info.DefaultAddressPools) lines.push(`   Base: ${Base}, Size: ${Size}`);
  }
  return `${lines.join('\n')}\n`;
}

function addPlugins(lines: string[], plugins: SystemInfo['Plugins']): void {
  lines.push(
    ' Plugins:',
    `  Volume: ${(plugins?.Volume ?? []).join(' ')}`,
    `  Network: ${(plugins?.Network ?? []).join(' ')}`,
  );
  if (plugins?.Authorization?.length) lines.push(`  Authorization: ${plugins.Authorization.join(' ')}`);
  lines.push(`  Log: ${(plugins?.Log ?? []).join(' ')}`);
}

function addLinux(lines: string[], info: SystemInfo): void {
  lines.push(
    ` Init Binary: ${info.InitBinary}`,
    ` containerd version: ${info.ContainerdCommit?.ID ?? ''}`,
    ` runc version: ${info.RuncCommit?.ID ?? ''}`,
    ` init version: ${info.InitCommit?.ID ?? ''}`,
  );
  if (!info.SecurityOptions?.length) return;
  lines.push(' Security Options:');
  for (const option of info.SecurityOptions) {
    // `name=seccomp,profile=default`
    const pairs = option.split(',').map((pair) => pair.split('='));
    lines.push(`  ${pairs.find(([key]) => key === 'name')?.[1] ?? option}`);
    for (const [key, value] of pairs) if (key === 'profile') lines.push(`   Profile: ${value}`);
  }
}

function addRegistries(lines: string[], { RegistryConfig }: SystemInfo): void {
  if (!RegistryConfig) return;
  const insecure = Object.values(RegistryConfig.IndexConfigs ?? {}).filter(({ Secure }) => !Secure);
  const names = [...insecure.map(({ Name }) => Name), ...(RegistryConfig.InsecureRegistryCIDRs ?? [])];
  if (names.length > 0 || Object.keys(RegistryConfig.IndexConfigs ?? {}).length > 0) {
    lines.push(' Insecure Registries:', ...names.map((name) => `  ${name}`));
  }
  addList(lines, 'Registry Mirrors', RegistryConfig.Mirrors);
}

function addList(lines: string[], title: string, items: readonly string[] | null | undefined): void {
  if (items?.length) lines.push(` ${title}:`, ...items.map((item) => `  ${item}`));
}
