import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Platform } from '@wharf/oci/platform';
import type { ChownOptSchema, FileActionSchema, UserOptSchema } from '../../pb/llb_pb.ts';
import { encodePlatform } from './platform.ts';
import { createVertex, type Inputs, type Output, outputOf, type State, type VertexOptions } from './vertex.ts';

export interface CopyOptions {
  readonly mode?: number | string;
  readonly owner?: string;
  readonly followSymlink?: boolean;
  readonly dirCopyContents?: boolean;
  readonly attemptUnpack?: boolean;
  readonly createDestPath?: boolean;
  readonly allowWildcard?: boolean;
  readonly allowEmptyWildcard?: boolean;
  readonly includePatterns?: readonly string[];
  readonly excludePatterns?: readonly string[];
}

export type FileStep =
  | {
      readonly kind: 'copy';
      readonly from: State;
      readonly src: string;
      readonly dest: string;
      readonly options: CopyOptions;
    }
  | { readonly kind: 'mkdir'; readonly path: string; readonly mode: number; readonly owner?: string }
  | { readonly kind: 'mkfile'; readonly path: string; readonly mode: number; readonly data: Uint8Array };

const noOwner = undefined;
/** Leaves the time as it is, or now for what is new. */
const keepTime = -1n;

/** Steps one after the other on `base`; the result is that of the last. */
export function fileOp(
  base: State,
  steps: readonly FileStep[],
  { platform, ...options }: VertexOptions & { readonly platform: Platform },
): Output {
  const build = (inputs: Inputs) => {
    const first = inputs.add(base);
    const sources = steps.map((step) => (step.kind === 'copy' ? inputs.add(step.from) : -1n));
    const actions = steps.map((step, index) => {
      const input = index === 0 ? first : BigInt(inputs.size + index - 1);
      const output = index === steps.length - 1 ? 0n : -1n;
      return encodeStep(step, { input, secondaryInput: sources[index]!, output });
    });
    return { op: { case: 'file' as const, value: { actions } }, platform: encodePlatform(platform) };
  };
  return outputOf(createVertex(build, options));
}

type Place = Required<Pick<MessageInitShape<typeof FileActionSchema>, 'input' | 'secondaryInput' | 'output'>>;
type Action = MessageInitShape<typeof FileActionSchema>;

function encodeStep(step: FileStep, place: Place): Action {
  switch (step.kind) {
    case 'copy':
      return { ...place, action: { case: 'copy', value: encodeCopy(step, place) } };
    case 'mkdir': {
      const owner = encodeOwner(step.owner, place.input as bigint);
      const value = { path: step.path, mode: step.mode, makeParents: true, timestamp: keepTime, ...owner };
      return { ...place, action: { case: 'mkdir', value } };
    }
    case 'mkfile': {
      const value = { path: step.path, mode: step.mode, data: step.data, timestamp: keepTime };
      return { ...place, action: { case: 'mkfile', value } };
    }
  }
}

function encodeCopy({ src, dest, options }: Extract<FileStep, { kind: 'copy' }>, place: Place) {
  const { mode } = options;
  return {
    src,
    dest,
    ...encodeOwner(options.owner, place.input as bigint),
    mode: typeof mode === 'number' ? mode : -1,
    modeStr: typeof mode === 'string' ? mode : '',
    followSymlink: options.followSymlink ?? false,
    dirCopyContents: options.dirCopyContents ?? false,
    attemptUnpackDockerCompatibility: options.attemptUnpack ?? false,
    createDestPath: options.createDestPath ?? false,
    allowWildcard: options.allowWildcard ?? false,
    allowEmptyWildcard: options.allowEmptyWildcard ?? false,
    timestamp: keepTime,
    includePatterns: [...(options.includePatterns ?? [])],
    excludePatterns: [...(options.excludePatterns ?? [])],
  };
}

/** `user`, `user:group`, by name or number. Names are looked up in what the step begins with. */
function encodeOwner(owner: string | undefined, input: bigint): { owner?: MessageInitShape<typeof ChownOptSchema> } {
  if (owner === noOwner || owner === '') return {};
  const [user = '', group] = owner.split(':', 2);
  return {
    owner: {
      ...(user ? { user: encodeUser(user, input) } : {}),
      ...(group ? { group: encodeUser(group, input) } : {}),
    },
  };
}

function encodeUser(name: string, input: bigint): MessageInitShape<typeof UserOptSchema> {
  const number = /^\d+$/.test(name) ? Number(name) : Number.NaN;
  if (number <= 0xffffffff) return { user: { case: 'byID', value: number } };
  return { user: { case: 'byName', value: { name, input } } };
}
