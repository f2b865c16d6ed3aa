import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import { createFaultPoint, type FaultPoint, noFaults } from '@wharf/base/fault-point';
import type { Logger } from '@wharf/base/logger';
import { readHostFacts } from '@wharf/engine/containers/validate/host-facts';
import { createEngine } from '@wharf/engine/create-engine';
import type { Engine } from '@wharf/engine/engine';
import type { EngineConfig } from '@wharf/engine/engine-config';
import { EventBus } from '@wharf/engine/events';
import { parsePrefix } from '@wharf/network/address';
import type { LinuxNetworkingOptions } from '@wharf/network/context';
import { openLinuxNetworking } from '@wharf/network/linux-networking';
import { CgroupFix } from '@wharf/runtime/cgroup-fix';
import { CgroupWarmer } from '@wharf/runtime/cgroup-warmer';
import { createSeccompSource } from '@wharf/runtime/seccomp/seccomp';
import type { SupervisorClient } from '@wharf/runtime/supervisor/client';
import { openContentImageStore } from '@wharf/store/images/content-image-store';
import { openDatabase } from '@wharf/store/metadata/database';
import { OverlaySnapshotter } from '@wharf/store/snapshots/overlay-snapshotter';
import { ContainerTrees } from '@wharf/store/trees/container-trees';
import { LocalVolumeStore } from '@wharf/store/volumes/local-volume-store';
import type { DaemonEnvironment } from './config/config.ts';
import type { Settings } from './config/options.ts';
import { findRuntimes } from './runtimes/find-runtimes.ts';
import type { SupervisorLink } from './supervisor-link.ts';
import { build } from './version.ts';

export interface WiredDaemon {
  readonly engine: Engine;
  /** Ends as the daemon should on a signal: containers stop unless they are to live on. */
  shutdown(): Promise<void>;
  /** Lets go of everything as it is: the next program takes it over. */
  release(): Promise<void>;
}

/** The one place that constructs: everything else is handed what it needs. */
export async function wire(
  settings: Settings,
  environment: DaemonEnvironment,
  { link, logger }: { link: SupervisorLink; logger: Logger },
): Promise<WiredDaemon> {
  const dataRoot = settings['data-root'];
  const execRoot = settings['exec-root'];
  const seccomp = createSeccompSource({
    cacheDirectory: join(dataRoot, 'seccomp'),
    ...seccompProfile(settings['seccomp-profile']),
  });
  const cgroupFix = new CgroupFix(logger);
  const [runtimes, supervisor] = await Promise.all([
    findRuntimes(settings, environment, { seccomp, cgroupFix, logger }),
    link.supervisor,
  ]);
  for (const { command } of Object.values(runtimes.byName)) mkdirSync(command.root, { recursive: true, mode: 0o700 });
  const database = openDatabase(join(dataRoot, 'meta.db'));
  const images = openContentImageStore({ database, dataRoot, logger });
  const networking = openLinuxNetworking(networkingOptions(settings, database, logger));
  const warmer = new CgroupWarmer(warmName(settings['cgroup-parent'], execRoot));
  const engine = await createEngine({
    config: engineConfig(settings, environment, runtimes.defaultName),
    logger,
    fault: faultPoint(environment),
    runtimes: runtimes.byName,
    hostFacts: readHostFacts(),
    database,
    images,
    snapshots: new OverlaySnapshotter({ database, dataRoot }),
    volumes: new LocalVolumeStore({ database, directory: join(dataRoot, 'volumes') }),
    networking,
    supervisor,
    events: new EventBus(),
    trees: new ContainerTrees(),
    warmer,
  });
  link.onReconnect = () => {
    logger.warn('The supervisor was lost and is back');
    engine.recheckProcesses().catch((error: unknown) => logger.error('Cannot recheck the containers', { error }));
  };
  if (environment.handedOver) await supervisor.upgrade();

  async function closeStores(): Promise<void> {
    await images.close();
    await database.flush();
    database.close();
  }
  return {
    engine,
    async shutdown() {
      if (!settings['live-restore']) await engine.stopContainers(settings['shutdown-timeout']);
      await warmer.close();
      await engine.close();
      await networking.close({ removeHostState: true });
      await endSupervisor(supervisor, logger);
      cgroupFix.release();
      await closeStores();
    },
    async release() {
      await warmer.close();
      await engine.close();
      await networking.close({ removeHostState: false });
      supervisor.close();
      await closeStores();
    },
  };
}

/** Cgroups of this daemon alone, the same after a restart. */
function warmName(cgroupParent: string, execRoot: string): string {
  return join('/', cgroupParent, `wharf-warm-${createHash('sha256').update(execRoot).digest('hex').slice(0, 8)}`).slice(
    1,
  );
}

/** It goes with the last container: those that live on keep it. */
async function endSupervisor(supervisor: SupervisorClient, logger: Logger): Promise<void> {
  try {
    await supervisor.stop();
  } catch (error) {
    logger.warn('Cannot end the supervisor', { error });
  }
  supervisor.close();
}

function engineConfig(settings: Settings, { proxies }: DaemonEnvironment, defaultRuntime: string): EngineConfig {
  return {
    dataRoot: settings['data-root'],
    execRoot: settings['exec-root'],
    defaultRuntime,
    logging: { driver: settings['log-driver'], options: settings['log-opts'] },
    defaultStopTimeout: settings['default-stop-timeout'],
    defaultShmSize: settings['default-shm-size'],
    defaultIpcMode: settings['default-ipc-mode'],
    defaultCgroupnsMode: settings['default-cgroupns-mode'] || undefined,
    proxies,
    addressPools: settings['default-address-pools'],
    cgroupParent: settings['cgroup-parent'],
    liveRestore: settings['live-restore'],
    debug: settings.debug,
    labels: settings.labels,
    registry: { mirrors: settings['registry-mirrors'], insecure: settings['insecure-registries'] },
    build,
  };
}

function networkingOptions(
  settings: Settings,
  store: LinuxNetworkingOptions['store'],
  log: Logger,
): LinuxNetworkingOptions {
  const { bridge, bip, ip } = settings;
  const fixedCidr = settings['fixed-cidr'];
  const defaultGateway = settings['default-gateway'];
  const pools = settings['default-address-pools'];
  const hostGateway = settings['host-gateway-ips'];
  if (bridge !== '' && bip !== '') {
    throw invalidArgument('You specified -b & --bip, mutually exclusive options. Please specify only one');
  }
  return {
    store,
    log,
    execRoot: settings['exec-root'],
    defaultBridge: {
      ...(bridge !== '' && { bridge }),
      ...(bip !== '' && { bip }),
      ...(fixedCidr !== '' && { fixedCidr }),
      ...(defaultGateway !== '' && { defaultGateway }),
      mtu: settings.mtu,
      icc: settings.icc,
      ipMasquerade: settings['ip-masq'],
      publishAddress: ip,
    },
    ...(pools.length > 0 && { addressPools: pools.map(({ base, size }) => ({ base: requirePrefix(base), size })) }),
    ...(hostGateway.length > 0 && { hostGateway }),
    dns: settings.dns,
    dnsSearch: settings['dns-search'],
    dnsOptions: settings['dns-opts'],
  };
}

function requirePrefix(text: string): NonNullable<ReturnType<typeof parsePrefix>> {
  const prefix = parsePrefix(text);
  if (!prefix) throw invalidArgument(`invalid base pool: ${text}`);
  return prefix;
}

/** `builtin` and '' are Docker's default; a path is a profile of one's own. */
function seccompProfile(setting: string): { profile?: string } {
  if (setting === '' || setting === 'builtin') return {};
  if (setting === 'unconfined') return { profile: '{"defaultAction":"SCMP_ACT_ALLOW"}' };
  try {
    return { profile: readFileSync(setting, 'utf8') };
  } catch (cause) {
    throw invalidArgument(`opening seccomp profile (${setting}) failed: ${(cause as Error).message}`, { cause });
  }
}

function faultPoint({ faultPoint: text }: DaemonEnvironment): FaultPoint {
  const match = /^(.*):(\d+)$/.exec(text ?? '');
  return match ? createFaultPoint({ prefix: match[1]!, at: Number(match[2]) }) : noFaults;
}
