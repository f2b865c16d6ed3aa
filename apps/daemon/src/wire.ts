import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { invalidArgument } from '@wharf/base/error';
import { createFaultPoint, type FaultPoint, noFaults } from '@wharf/base/fault-point';
import type { Logger } from '@wharf/base/logger';
import { readHostFacts } from '@wharf/engine/containers/validate/host-facts';
import { createEngine } from '@wharf/engine/create-engine';
import type { Engine } from '@wharf/engine/engine';
import type { EngineConfig } from '@wharf/engine/engine-config';
import { EventLog } from '@wharf/engine/event-log';
import { EventBus } from '@wharf/engine/events';
import { parsePrefix } from '@wharf/network/address';
import type { LinuxNetworkingOptions } from '@wharf/network/context';
import { openLinuxNetworking } from '@wharf/network/linux-networking';
import { PluginRegistry } from '@wharf/plugins/plugin-registry';
import { hostDirectories } from '@wharf/registry/client/host-directories';
import { RegistryClient } from '@wharf/registry/client/registry-client';
import { createTransfers, type Transfers } from '@wharf/registry/transfer/transfers';
import { CgroupFix } from '@wharf/runtime/cgroup-fix';
import { CgroupWarmer } from '@wharf/runtime/cgroup-warmer';
import { createSeccompSource } from '@wharf/runtime/seccomp/seccomp';
import type { SupervisorClient } from '@wharf/runtime/supervisor/client';
import { Authorizer } from '@wharf/server/authorization/authorizer';
import { type ContentImageStore, openContentImageStore } from '@wharf/store/images/content-image-store';
import { openDatabase } from '@wharf/store/metadata/database';
import { OverlaySnapshotter } from '@wharf/store/snapshots/overlay-snapshotter';
import { ContainerTrees } from '@wharf/store/trees/container-trees';
import { DriverVolumeStore } from '@wharf/store/volumes/driver-volume-store';
import { containerSize } from './config/check-settings.ts';
import type { DaemonEnvironment } from './config/config.ts';
import type { Settings } from './config/options.ts';
import { reloadAttributes } from './config/reload.ts';
import type { RemappedRoot } from './remap/remapped-root.ts';
import { findRuntimes } from './runtimes/find-runtimes.ts';
import { liveRuntimes } from './runtimes/live-runtimes.ts';
import type { SupervisorLink } from './supervisor-link.ts';
import { build } from './version.ts';

export interface WiredDaemon {
  readonly engine: Engine;
  metrics(): Promise<string>;
  readonly authorizer: Authorizer;
  /** Takes over what can change while containers run; rejects with nothing changed. */
  reload(next: Settings): Promise<void>;
  /** Ends as the daemon should on a signal: containers stop unless they are to live on. */
  shutdown(): Promise<void>;
  /** Lets go of everything as it is: the next program takes it over. */
  release(): Promise<void>;
}

export interface WireOptions {
  readonly dataRoot: string;
  /** Where containers' root is not the host's. */
  readonly remapped: RemappedRoot | undefined;
  readonly link: SupervisorLink;
  readonly logger: Logger;
}

/** The one place that constructs: everything else is handed what it needs. */
export async function wire(
  present: () => Settings,
  environment: DaemonEnvironment,
  { dataRoot, remapped, link, logger }: WireOptions,
): Promise<WiredDaemon> {
  const settings = present();
  const execRoot = settings['exec-root'];
  const seccomp = createSeccompSource({
    cacheDirectory: join(dataRoot, 'seccomp'),
    ...seccompProfile(settings['seccomp-profile']),
  });
  const cgroupFix = new CgroupFix(logger);
  const runtimeDeps = { seccomp, cgroupFix, logger };
  const [runtimes, supervisor] = await Promise.all([
    findRuntimes(settings, environment, runtimeDeps).then(liveRuntimes),
    link.supervisor,
  ]);
  const plugins = new PluginRegistry();
  const authorizer = new Authorizer(plugins, logger);
  authorizer.use(await authorizer.find(settings['authorization-plugins']));
  const database = openDatabase(join(dataRoot, 'meta.db'));
  const images = openContentImageStore({ database, dataRoot, logger });
  const networking = openLinuxNetworking({
    ...networkingOptions(settings, database, logger),
    plugins,
    ...(remapped && { idMapping: remapped.idMapping }),
  });
  const warmer = new CgroupWarmer(warmName(settings['cgroup-parent'], execRoot));
  const history = new EventLog({
    directory: join(dataRoot, 'events'),
    warn: (error) => logger.warn('Cannot keep events', { error }),
  });
  const fault = faultPoint(environment);
  const engine = await createEngine({
    config: engineConfig(present, () => runtimes.defaultName, { dataRoot, remapped }),
    logger,
    fault,
    runtimes: runtimes.byName,
    hostFacts: readHostFacts(),
    database,
    images,
    imageParts: images.parts,
    transfers: transfersFor(present, images, { fault, logger }),
    snapshots: new OverlaySnapshotter({
      database,
      dataRoot,
      defaultSize: containerSize(settings['storage-opts']),
      ...(remapped && { remap: remapped }),
    }),
    volumes: new DriverVolumeStore({
      database,
      directory: join(dataRoot, 'volumes'),
      plugins,
      logger,
      ...(remapped && { owner: remapped.root }),
    }),
    networking,
    supervisor,
    events: new EventBus(history),
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
    history.close();
    await database.flush();
    database.close();
  }
  return {
    engine,
    metrics: () => engine.metrics(),
    authorizer,
    async reload(next) {
      const deciders = await authorizer.find(next['authorization-plugins']);
      runtimes.replace(await findRuntimes(next, environment, runtimeDeps));
      authorizer.use(deciders);
      engine.announceReload(reloadAttributes(next, runtimes.defaultName));
    },
    async shutdown() {
      if (!present()['live-restore']) await engine.stopContainers(present()['shutdown-timeout']);
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

/** What is reloadable is read from the present settings whenever it is asked for. */
function engineConfig(
  present: () => Settings,
  defaultRuntime: () => string,
  { dataRoot, remapped }: Pick<WireOptions, 'dataRoot' | 'remapped'>,
): EngineConfig {
  const settings = present();
  return {
    dataRoot,
    ...(remapped && { idMapping: remapped.idMapping }),
    execRoot: settings['exec-root'],
    get defaultRuntime() {
      return defaultRuntime();
    },
    logging: { driver: settings['log-driver'], options: settings['log-opts'] },
    get defaultStopTimeout() {
      return present()['default-stop-timeout'];
    },
    get defaultShmSize() {
      return present()['default-shm-size'];
    },
    get defaultIpcMode() {
      return present()['default-ipc-mode'];
    },
    get defaultCgroupnsMode() {
      return present()['default-cgroupns-mode'] || undefined;
    },
    proxies: { http: settings['http-proxy'], https: settings['https-proxy'], no: settings['no-proxy'] },
    addressPools: settings['default-address-pools'],
    cgroupParent: settings['cgroup-parent'],
    get liveRestore() {
      return present()['live-restore'];
    },
    get debug() {
      return present().debug;
    },
    get labels() {
      return present().labels;
    },
    get registry() {
      return { mirrors: present()['registry-mirrors'], insecure: present()['insecure-registries'] };
    },
    get authorizationPlugins() {
      return present()['authorization-plugins'];
    },
    experimental: settings.experimental,
    build: { ...build, minApiVersion: settings['min-api-version'] },
  };
}

function transfersFor(
  present: () => Settings,
  { parts }: ContentImageStore,
  { fault, logger }: { fault: FaultPoint; logger: Logger },
): Transfers {
  const settings = present();
  const own = settings['registry-hosts-dir'];
  const client = new RegistryClient({
    userAgent: `wharf/${build.version} docker/${build.version} (linux)`,
    proxies: { http: settings['http-proxy'], https: settings['https-proxy'], no: settings['no-proxy'] },
    config: () => ({
      mirrors: present()['registry-mirrors'],
      insecure: present()['insecure-registries'],
      prefixMirrors: present()['registry-prefix-mirrors'],
    }),
    directories: hostDirectories([...(own === '' ? [] : [own]), '/etc/wharf/certs.d', '/etc/docker/certs.d']),
  });
  const limits = () => ({
    downloads: present()['max-concurrent-downloads'],
    uploads: present()['max-concurrent-uploads'],
    attempts: present()['max-download-attempts'],
  });
  return createTransfers({ parts, client, fault, logger, limits });
}

function networkingOptions(
  settings: Settings,
  store: LinuxNetworkingOptions['store'],
  log: Logger,
): LinuxNetworkingOptions {
  const { bridge, bip, ip } = settings;
  const fixedCidr = settings['fixed-cidr'];
  const defaultGateway = settings['default-gateway'];
  const { bip6, ipv6 } = settings;
  const fixedCidrV6 = settings['fixed-cidr-v6'];
  const defaultGatewayV6 = settings['default-gateway-v6'];
  const resolvConfPath = settings['resolv-conf'];
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
      ipv6,
      ...(bip6 !== '' && { bip6 }),
      ...(fixedCidrV6 !== '' && { fixedCidrV6 }),
      ...(defaultGatewayV6 !== '' && { defaultGatewayV6 }),
      mtu: settings.mtu,
      icc: settings.icc,
      ipMasquerade: settings['ip-masq'],
      publishAddress: ip,
    },
    ...(pools.length > 0 && { addressPools: pools.map(({ base, size }) => ({ base: requirePrefix(base), size })) }),
    ...(hostGateway.length > 0 && { hostGateway }),
    defaultNetworkOptions: settings['default-network-opts'],
    ...(resolvConfPath !== '' && { resolvConfPath }),
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
