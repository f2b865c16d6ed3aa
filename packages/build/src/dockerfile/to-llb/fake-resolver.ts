import { fromBinary } from '@bufbuild/protobuf';
import { notFound } from '@wharf/base/error';
import { type Op, OpSchema } from '../../pb/llb_pb.ts';
import { parseFrontendOptions } from '../frontend-options.ts';
import { Linter, parseLintOptions } from '../lint/linter.ts';
import { marshal } from '../llb/marshal.ts';
import { local } from '../llb/sources.ts';
import { type Converted, convert } from './convert.ts';
import type { ConvertResolver } from './convert-context.ts';

const digest = `sha256:${'b'.repeat(64)}`;

/** Images that tests base on, without a registry. */
const images: Record<string, object> = {
  'docker.io/library/base:latest': { Env: ['PATH=/bin', 'BASE=yes'], WorkingDir: '/base', Cmd: ['sh'] },
  'docker.io/library/trigger:latest': { OnBuild: ['RUN triggered', 'COPY --from=other /x /y'] },
  'docker.io/library/other:latest': {},
};

export interface ConvertedForTest extends Converted {
  readonly ops: readonly { readonly name: string; readonly op: Op }[];
  readonly names: readonly string[];
  readonly history: readonly string[];
  readonly findings: Linter['findings'];
}

/** Converts a Dockerfile as a build on linux/amd64 would; `ignore` is the .dockerignore. */
export async function convertText(
  text: string,
  attributes: Readonly<Record<string, string>> = {},
  { ignore = [], check = '' }: { ignore?: readonly string[]; check?: string } = {},
): Promise<ConvertedForTest> {
  const options = { ...parseFrontendOptions(attributes), buildPlatform: { os: 'linux', architecture: 'amd64' } };
  const linter = new Linter(parseLintOptions(check));
  const resolver: ConvertResolver = {
    async resolveImage(reference) {
      const config = images[reference];
      if (!config) throw notFound(`${reference}: not found`);
      const rootfs = { type: 'layers', diff_ids: [digest] };
      return await Promise.resolve({
        reference,
        digest,
        config: { os: 'linux', architecture: 'amd64', config, rootfs, history: [] },
      });
    },
    namedContext: async () => await Promise.resolve(undefined),
    mainContext: (paths) => {
      const asked = () => ({ sharedKeyHint: 'context', sessionId: 's', followPaths: paths(), excludePatterns: ignore });
      return local('context', asked, { name: '[internal] load build context' });
    },
    ignorePatterns: async () => await Promise.resolve(ignore),
  };
  const platform = options.targetPlatforms[0];
  const converted = await convert({ text, options, resolver, linter, platform });
  const { def, metadata } = marshal(converted.state);
  const digests = Object.keys(metadata);
  const ops = def.slice(0, -1).map((bytes, index) => ({
    name: metadata[digests[index]!]?.description?.['llb.customname'] ?? '',
    op: fromBinary(OpSchema, bytes),
  }));
  return {
    ...converted,
    ops,
    names: ops.map(({ name }) => name),
    history: converted.image.history.map(({ created_by }) => created_by ?? ''),
    findings: linter.findings,
  };
}
