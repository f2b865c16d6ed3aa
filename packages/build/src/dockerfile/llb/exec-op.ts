import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Platform } from '@wharf/oci/platform';
import {
  CacheSharingOpt,
  type HostIPSchema,
  type MountSchema,
  MountType,
  NetMode,
  type ProxyEnvSchema,
  SecurityMode,
  type UlimitSchema,
} from '../../pb/llb_pb.ts';
import { encodePlatform } from './platform.ts';
import { createVertex, type Inputs, type Output, outputOf, type State, type VertexOptions } from './vertex.ts';

interface Owned {
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

export type ExecMount =
  | {
      readonly kind: 'bind';
      readonly target: string;
      readonly from: State;
      readonly source: string;
      readonly readOnly: boolean;
    }
  | {
      readonly kind: 'cache';
      readonly target: string;
      readonly from: State;
      readonly source: string;
      readonly readOnly: boolean;
      readonly id: string;
      readonly sharing: 'shared' | 'private' | 'locked';
    }
  | { readonly kind: 'tmpfs'; readonly target: string; readonly size: number }
  | ({ readonly kind: 'secret'; readonly target: string; readonly id: string; readonly optional: boolean } & Owned)
  | ({ readonly kind: 'ssh'; readonly target: string; readonly id: string; readonly optional: boolean } & Owned);

export interface SecretVariable {
  readonly id: string;
  readonly name: string;
  readonly optional: boolean;
}

export interface ExecOptions extends VertexOptions {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: string;
  readonly hostname: string;
  readonly mounts: readonly ExecMount[];
  readonly secretVariables: readonly SecretVariable[];
  readonly devices: readonly { readonly name: string; readonly optional: boolean }[];
  readonly network: 'default' | 'none' | 'host';
  readonly security: 'sandbox' | 'insecure';
  readonly proxy: MessageInitShape<typeof ProxyEnvSchema> | undefined;
  readonly extraHosts: readonly MessageInitShape<typeof HostIPSchema>[];
  readonly ulimits: readonly MessageInitShape<typeof UlimitSchema>[];
  readonly cgroupParent: string;
  readonly platform: Platform;
}

const networks = { default: NetMode.UNSET, none: NetMode.NONE, host: NetMode.HOST } as const;
const sharings = {
  shared: CacheSharingOpt.SHARED,
  private: CacheSharingOpt.PRIVATE,
  locked: CacheSharingOpt.LOCKED,
} as const;
const noOutput = -1n;
const noInput = -1n;

/** A command in `root`; the result is what it makes of it. */
export function execOp(root: State, options: ExecOptions): Output {
  const build = (inputs: Inputs) => {
    const rootMount = { input: inputs.add(root), dest: '/', output: 0n };
    // By target: a parent is mounted before what lies in it, and the order in the Dockerfile is no difference.
    const sorted = placed(options.mounts).toSorted((a, b) => (a.target < b.target ? -1 : a.target > b.target ? 1 : 0));
    const mounts = [rootMount, ...sorted.map((mount) => encodeMount(mount, inputs))];
    return {
      op: {
        case: 'exec' as const,
        value: {
          meta: encodeMeta({ ...options, env: [...options.env, ...agentVariable(options)] }),
          mounts,
          network: networks[options.network],
          security: options.security === 'insecure' ? SecurityMode.INSECURE : SecurityMode.SANDBOX,
          secretenv: options.secretVariables.map(({ id, name, optional }) => ({ ID: id, name, optional })),
          cdiDevices: [...options.devices],
        },
      },
      platform: encodePlatform(options.platform),
    };
  };
  return outputOf(createVertex(build, options));
}

/** Agents without a place of their own get one, in the order of their flags. */
function placed(mounts: readonly ExecMount[]): ExecMount[] {
  const agents = mounts.filter(({ kind }) => kind === 'ssh');
  return mounts.map((mount) =>
    mount.kind === 'ssh' && mount.target === '' ? { ...mount, target: agentTarget(agents.indexOf(mount)) } : mount,
  );
}

function agentTarget(index: number): string {
  return `/run/buildkit/ssh_agent.${index}`;
}

function agentVariable({ mounts, env }: Pick<ExecOptions, 'mounts' | 'env'>): string[] {
  const first = mounts.find(({ kind }) => kind === 'ssh');
  if (!first || env.some((variable) => variable.startsWith('SSH_AUTH_SOCK='))) return [];
  return [`SSH_AUTH_SOCK=${first.target || agentTarget(0)}`];
}

function encodeMeta(options: ExecOptions) {
  return {
    args: [...options.args],
    env: [...options.env],
    cwd: options.cwd,
    user: options.user,
    hostname: options.hostname,
    ...(options.proxy ? { proxyEnv: options.proxy } : {}),
    extraHosts: [...options.extraHosts],
    ulimit: [...options.ulimits],
    cgroupParent: options.cgroupParent,
    removeMountStubsRecursive: true,
  };
}

function encodeMount(mount: ExecMount, inputs: Inputs): MessageInitShape<typeof MountSchema> {
  const place = { dest: mount.target, output: noOutput };
  switch (mount.kind) {
    case 'bind': {
      const { readOnly: readonly, source: selector } = mount;
      return { ...place, input: inputs.add(mount.from), selector, readonly };
    }
    case 'cache': {
      const { readOnly: readonly, source: selector } = mount;
      const cacheOpt = { ID: mount.id, sharing: sharings[mount.sharing] };
      return { ...place, input: inputs.add(mount.from), selector, readonly, mountType: MountType.CACHE, cacheOpt };
    }
    case 'tmpfs':
      return { ...place, input: noInput, mountType: MountType.TMPFS, TmpfsOpt: { size: BigInt(mount.size) } };
    case 'secret': {
      const { id: ID, uid, gid, mode, optional } = mount;
      return { ...place, input: noInput, mountType: MountType.SECRET, secretOpt: { ID, uid, gid, mode, optional } };
    }
    case 'ssh': {
      const { id: ID, uid, gid, mode, optional } = mount;
      return { ...place, input: noInput, mountType: MountType.SSH, SSHOpt: { ID, uid, gid, mode, optional } };
    }
  }
}
