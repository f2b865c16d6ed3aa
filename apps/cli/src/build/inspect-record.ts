import type { BuildRecordInspect } from '@wharf/api/build-history';
import { durationOf } from './record-texts.ts';

export interface NamedValue {
  readonly Name: string;
  readonly Value: string;
}

/** A build as `buildx history inspect --format json` has it; fields that say nothing are left out. */
export interface InspectedBuild {
  readonly Name?: string;
  readonly Ref: string;
  readonly Context?: string;
  readonly Dockerfile?: string;
  readonly VCSRepository?: string;
  readonly VCSRevision?: string;
  readonly Target?: string;
  readonly Platform?: readonly string[];
  readonly KeepGitDir?: boolean;
  readonly NamedContexts?: readonly NamedValue[];
  readonly StartedAt: string;
  readonly CompletedAt?: string;
  /** Nanoseconds. */
  readonly Duration: number;
  readonly Status: string;
  readonly Error?: {
    readonly Code?: number;
    readonly Message: string;
    readonly Name?: string;
    readonly Logs?: readonly string[];
  };
  readonly NumCompletedSteps: number;
  readonly NumTotalSteps: number;
  readonly NumCachedSteps: number;
  readonly BuildArgs?: readonly NamedValue[];
  readonly Labels?: readonly NamedValue[];
  readonly Config: Readonly<Record<string, unknown>>;
  readonly Materials?: readonly { readonly URI: string; readonly Digests: readonly string[] }[];
  readonly Attachments?: readonly { readonly Digest: string; readonly Type: string }[];
}

/** Names of the config's fields, and what clients ask for them by. */
const configTexts: Readonly<Record<string, string>> = {
  Network: 'force-network-mode',
  Hostname: 'hostname',
  CgroupParent: 'cgroup-parent',
  ImageResolveMode: 'image-resolve-mode',
  ShmSize: 'shm-size',
  Ulimit: 'ulimit',
  CacheMountNS: 'build-arg:BUILDKIT_CACHE_MOUNT_NS',
  DockerfileCheckConfig: 'build-arg:BUILDKIT_DOCKERFILE_CHECK',
  SourceDateEpoch: 'build-arg:SOURCE_DATE_EPOCH',
  SandboxHostname: 'build-arg:SANDBOX_HOSTNAME',
};

const statuses: Readonly<Record<string, string>> = { error: 'failed' };

/** `logs` are the last lines of the step that failed. */
export function inspectRecord(record: BuildRecordInspect, logs: readonly string[]): InspectedBuild {
  const attributes = new Map(Object.entries(record.FrontendAttrs));
  const take = (name: string): string | undefined => {
    const value = attributes.get(name);
    attributes.delete(name);
    return value || undefined;
  };
  const failed = record.Vertices.find(({ Digest }) => Digest === record.Error?.Vertex);
  const withinGit = !attributes.has('context');
  const named = {
    Name: record.Name || undefined,
    Ref: record.Ref,
    Context: take('context'),
    Dockerfile: take('filename'),
    VCSRepository: withinGit ? attributes.get('vcs:source') : undefined,
    VCSRevision: withinGit ? attributes.get('vcs:revision') : undefined,
    Target: take('target'),
    Platform: take('platform')?.split(','),
    KeepGitDir: take('build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR') === '1' || undefined,
  };
  const noCache = attributes.get('no-cache');
  attributes.delete('no-cache');
  const texts = Object.entries(configTexts).map(([field, name]) => [field, take(name)] as const);
  const config = {
    ...Object.fromEntries(texts),
    ExtraHosts: take('add-hosts')?.split(','),
    MultiPlatform: take('multi-platform') === 'true' || undefined,
    NoCache: noCache === '' || undefined,
    NoCacheFilter: noCache ? noCache.split(',') : undefined,
  };
  const values = (prefix: string): NamedValue[] | undefined => valuesOf(attributes, prefix);
  const lists = { NamedContexts: values('context:'), BuildArgs: values('build-arg:'), Labels: values('label:') };
  const rest = [...attributes].filter(
    ([name]) => !/^(?:vcs:|build-arg:|label:|context:|attest:|frontend\.caps)/.test(name),
  );
  return present({
    ...named,
    NamedContexts: lists.NamedContexts,
    StartedAt: record.CreatedAt,
    CompletedAt: record.CompletedAt,
    Duration: durationOf(record) * 1e6,
    Status: statuses[record.Status] ?? record.Status,
    Error: record.Error && present({ Message: record.Error.Message, Name: failed?.Name, Logs: nonEmpty(logs) }),
    NumCompletedSteps: record.NumCompletedSteps,
    NumTotalSteps: record.NumTotalSteps,
    NumCachedSteps: record.NumCachedSteps,
    BuildArgs: lists.BuildArgs,
    Labels: lists.Labels,
    Config: present({ ...config, RestRaw: nonEmpty(rest.sort().map(([Name, Value]) => ({ Name, Value }))) }),
    Materials: nonEmpty(record.Materials.map(({ URI, Digest }) => ({ URI, Digests: [Digest] }))),
    Attachments: nonEmpty(record.Attachments),
  });
}

function valuesOf(attributes: ReadonlyMap<string, string>, prefix: string): NamedValue[] | undefined {
  const found = [...attributes].filter(([name]) => name.startsWith(prefix));
  return nonEmpty(found.sort().map(([name, Value]) => ({ Name: name.slice(prefix.length), Value })));
}

function nonEmpty<T>(list: readonly T[]): T[] | undefined {
  return list.length > 0 ? [...list] : undefined;
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

/** Without the fields that are undefined. */
function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}
