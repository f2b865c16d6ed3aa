import type { ContainerConfig } from '@wharf/api/container';
import { conflict } from '@wharf/base/error';
import type { ContainerDefaults } from '@wharf/oci/image-config';
import { applyChanges } from '@wharf/store/images/config-changes';
import type { ContainerDeps } from '../engine-deps.ts';
import { newTag } from '../images/tag.ts';
import type { ContainerRecord } from './container-record.ts';
import { isUp } from './container-state.ts';
import { commandLine, mergeConfig } from './merge-config.ts';
import { pauseContainer, thaw } from './pause.ts';
import { publishContainer } from './publish.ts';

export interface CommitRequest {
  readonly container: string;
  readonly repo: string;
  readonly tag: string;
  readonly comment: string;
  readonly author: string;
  /** The container stands still while its files are read. */
  readonly pause: boolean;
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
  /** In place of the container's own; what it leaves open comes from there. */
  readonly config: ContainerConfig | undefined;
}

/** Makes an image of what a container has changed, over its own. Answers the image's id. */
export async function commitContainer(deps: ContainerDeps, request: CommitRequest): Promise<{ Id: string }> {
  const { containers, images, events, locks } = deps;
  const record = containers.find(request.container);
  const { id } = record;
  if (deps.removals.isRemoving(id)) throw conflict(`You cannot commit container ${id} which is being removed`);
  if (record.state.status === 'dead') throw conflict(`You cannot commit container ${id} which is Dead`);
  const reference = request.repo === '' ? undefined : newTag(request.repo, request.tag);
  const parent = images.resolve(record.image.id, record.image.platform);
  const options = {
    parent,
    config: commitConfig(record, request),
    author: request.author,
    comment: request.comment,
    createdBy: commandLine(record.config).join(' '),
    ...(reference !== undefined && { reference }),
  };
  // A commit keeps two of the store's threads busy: one at a time leaves some for everybody else.
  const imageId = await locks.run('commit', () =>
    standingStill(deps, record, request.pause, () => {
      const { upperDir: from, lowerDirs: lowers } = deps.snapshots.mounts(id);
      return images.commit({ from, lowers }, options);
    }),
  );
  deps.fault('commit.event');
  const attributes = { comment: request.comment, imageID: imageId, imageRef: reference ?? '' };
  publishContainer(events, record, 'commit', attributes);
  if (reference !== undefined) {
    events.publish({ type: 'image', action: 'tag', id: imageId, attributes: { name: reference } });
  }
  return { Id: imageId };
}

/** A stopped container does not start meanwhile, a running one is paused where that is wished. */
async function standingStill<T>(
  deps: ContainerDeps,
  { id }: ContainerRecord,
  pause: boolean,
  body: () => Promise<T>,
): Promise<T> {
  const { status } = deps.containers.find(id).state;
  if (!isUp(status)) {
    return deps.locks.run(id, async () => {
      await deps.teardowns.settled(id);
      return body();
    });
  }
  const isOurs = pause && status === 'running' && (await tryPause(deps, id));
  try {
    deps.fault('commit.paused');
    return await body();
  } finally {
    if (isOurs) await deps.locks.run(id, () => thaw(deps, id));
  }
}

/** As Docker: one that cannot be paused, since it has just ended, is committed as it is. */
async function tryPause(deps: ContainerDeps, id: string): Promise<boolean> {
  try {
    await pauseContainer(deps, id, { forCommit: true });
    return true;
  } catch {
    return false;
  }
}

export function commitConfig(
  { config }: Pick<ContainerRecord, 'config'>,
  { config: own, changes }: Pick<CommitRequest, 'config' | 'changes'>,
): ContainerDefaults {
  const changed = applyChanges(defaultsOf(own ?? config), changes);
  const sets = (word: string) => changes.some((change) => change.trim().toUpperCase().startsWith(word));
  // A new entrypoint makes nothing of the old arguments. dockerfile reference, ENTRYPOINT
  const Cmd = sets('ENTRYPOINT') && !sets('CMD') ? null : changed.Cmd;
  return defaultsOf(mergeConfig({ ...(own ?? config), ...complete(changed), Cmd: Cmd ? [...Cmd] : null }, config));
}

/** The part of a container's configuration that an image has. */
function defaultsOf(config: ContainerConfig): ContainerDefaults {
  const { StopTimeout, StopSignal, Healthcheck, Shell, OnBuild, ArgsEscaped } = config;
  return {
    User: config.User,
    Env: config.Env,
    Cmd: config.Cmd,
    Entrypoint: config.Entrypoint,
    WorkingDir: config.WorkingDir,
    ...(Object.keys(config.ExposedPorts).length > 0 && { ExposedPorts: config.ExposedPorts }),
    ...(Object.keys(config.Volumes).length > 0 && { Volumes: config.Volumes }),
    Labels: config.Labels,
    ...(StopSignal !== '' && { StopSignal }),
    ...(StopTimeout !== null && { StopTimeout }),
    ...(Healthcheck && { Healthcheck }),
    ...(OnBuild?.length && { OnBuild }),
    ...(Shell?.length && { Shell }),
    ...(ArgsEscaped && { ArgsEscaped }),
  };
}

/** The container's form of what an image's may leave out. */
function complete(defaults: ContainerDefaults): Omit<Partial<ContainerConfig>, 'Cmd'> {
  const { Env, Entrypoint, OnBuild, Shell } = defaults;
  return {
    User: defaults.User ?? '',
    Env: Env ? [...Env] : null,
    Entrypoint: Entrypoint ? [...Entrypoint] : null,
    WorkingDir: defaults.WorkingDir ?? '',
    ExposedPorts: { ...defaults.ExposedPorts },
    Volumes: { ...defaults.Volumes },
    Labels: { ...defaults.Labels },
    StopSignal: defaults.StopSignal ?? '',
    OnBuild: OnBuild ? [...OnBuild] : null,
    Shell: Shell ? [...Shell] : null,
  };
}
