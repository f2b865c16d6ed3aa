import { EngineError, notImplemented } from '@wharf/base/error';
import { formatPlatform, normalizePlatform, type Platform } from '@wharf/oci/platform';
import type { DockerfileStep, FrontendBridge, FrontendRequest, FrontendResult, Ref } from '../solver/frontend.ts';
import { BuildContexts, type BuildDefinition } from './context.ts';
import { type FrontendOptions, parseFrontendOptions } from './frontend-options.ts';
import { parseStages } from './instructions/parse-stages.ts';
import { Linter, parseLintOptions } from './lint/linter.ts';
import { marshal } from './llb/marshal.ts';
import { findDirective } from './parser/directives.ts';
import { parseDockerfile } from './parser/parser.ts';
import { describeRequests, lintResult, listTargets, outlineTarget, type RequestResult } from './requests.ts';
import { SourceError } from './source-error.ts';
import { type Converted, convert } from './to-llb/convert.ts';
import type { ConvertedStep } from './to-llb/convert-context.ts';

const encoder = new TextEncoder();

/** `dockerfile.v0`: builds what a Dockerfile describes, for each platform, or answers questions about it. */
export async function dockerfileFrontend(bridge: FrontendBridge, request: FrontendRequest): Promise<FrontendResult> {
  const options = parseFrontendOptions(request.options);
  const contexts = new BuildContexts(bridge, options, request.inputs);
  if (options.attributes.get('requestid') === 'frontend.subrequests.describe') return answer(describeRequests());
  const definition = await contexts.readDefinition();
  try {
    refuseForeignSyntax(definition.text, options);
    const asked = options.attributes.get('requestid');
    if (asked !== undefined) return answer(await handleRequest(asked, { contexts, options, definition }));
    return await build(bridge, { contexts, options, definition });
  } catch (thrown) {
    throw withSource(thrown, definition);
  }
}

interface Work {
  readonly contexts: BuildContexts;
  readonly options: FrontendOptions;
  readonly definition: BuildDefinition;
}

/** Docker's own frontend is what we are; others are programs in images. */
function refuseForeignSyntax(text: string, { buildArgs }: FrontendOptions): void {
  const directive = findDirective(text, 'syntax');
  const syntax = buildArgs.get('BUILDKIT_SYNTAX') ?? directive?.value.split(' ')[0];
  if (syntax === undefined || /^(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?(?:[:@]|$)/.test(syntax)) return;
  const { message } = notImplemented(`frontend image "${syntax}" (# syntax=)`);
  throw new SourceError(message, directive?.ranges ?? [], { code: 'not_implemented' });
}

async function build(bridge: FrontendBridge, work: Work): Promise<FrontendResult> {
  const { options, definition } = work;
  const targets: (Platform | undefined)[] =
    options.targetPlatforms.length > 0 ? [...options.targetPlatforms] : [undefined];
  const built = await Promise.all(
    targets.map(async (platform, index) => {
      const linter = createLinter(work);
      const converted = await convertFor(work, platform, linter).finally(() => {
        // Each platform finds the same.
        if (index === 0) sendFindings(bridge, linter, definition);
      });
      const { refs } = await bridge.solve({
        definition: marshal(converted.state, definition.file),
        cacheImports: options.cacheImports,
        steps: converted.steps.map(describeStep),
      });
      return {
        platform: normalizePlatform(platform ?? options.buildPlatform),
        converted,
        ref: refs.values().next().value,
      };
    }),
  );
  return collect(built, options.multiPlatform);
}

async function convertFor(
  { contexts, options, definition }: Work,
  platform: Platform | undefined,
  linter: Linter,
  allStages = false,
): Promise<Converted> {
  return await convert({ text: definition.text, options, resolver: contexts, linter, platform, allStages });
}

function describeStep({ code, isTrigger, state, changed }: ConvertedStep): DockerfileStep {
  return { code, isTrigger, vertex: state?.vertex.encode().digest, changed };
}

interface Built {
  readonly platform: Platform;
  readonly converted: Converted;
  readonly ref: Ref | undefined;
}

function collect(built: readonly Built[], multiPlatform: boolean): FrontendResult {
  const refs = new Map<string, Ref | undefined>();
  const metadata = new Map<string, Uint8Array>();
  for (const { platform, converted, ref } of built) {
    const id = formatPlatform(platform);
    const suffix = multiPlatform ? `/${id}` : '';
    refs.set(multiPlatform ? id : 'default', ref);
    metadata.set(`containerimage.config${suffix}`, json(converted.image));
    if (converted.baseImage) metadata.set(`containerimage.base.config${suffix}`, json(converted.baseImage));
  }
  const platforms = built.map(({ platform }) => ({ ID: formatPlatform(platform), Platform: platform }));
  metadata.set('refs.platforms', json({ Platforms: platforms }));
  return { refs, metadata };
}

function json(value: unknown): Uint8Array {
  return encoder.encode(JSON.stringify(value));
}

function createLinter({ definition, options }: Work): Linter {
  const asked = options.buildArgs.get('BUILDKIT_DOCKERFILE_CHECK') ?? findDirective(definition.text, 'check')?.value;
  return new Linter(parseLintOptions(asked ?? ''));
}

function sendFindings(bridge: FrontendBridge, { findings }: Linter, { vertex, file }: BuildDefinition): void {
  for (const { rule, description, url, message, ranges } of findings) {
    const line = ranges[0]?.start.line;
    const short = `${rule}: ${message}${line === undefined ? '' : ` (line ${line})`}`;
    bridge.warn({ vertex, level: 1, short, detail: [description], url, source: file, ranges });
  }
}

async function handleRequest(id: string, work: Work): Promise<RequestResult> {
  const { definition, options } = work;
  const platform = options.targetPlatforms[0];
  switch (id) {
    case 'frontend.outline': {
      const { target } = await convertFor(work, platform, createLinter(work));
      return outlineTarget(target, definition.file);
    }
    case 'frontend.targets':
      return listTargets(parseStages(parseDockerfile(definition.text)), definition.file);
    case 'frontend.lint': {
      const linter = createLinter(work);
      let error: Error | undefined;
      try {
        await convertFor(work, platform, linter, options.target === '');
      } catch (thrown) {
        error = thrown as Error;
      }
      return lintResult(linter.findings, definition.file, error);
    }
    default:
      throw new EngineError('not_implemented', `unsupported request ${id}`);
  }
}

function answer(metadata: RequestResult): FrontendResult {
  return { refs: new Map(), metadata };
}

/** The error with the file that its lines are of, so that clients can show them. */
function withSource(thrown: unknown, { file }: BuildDefinition): unknown {
  if (!(thrown instanceof SourceError) || thrown.file || thrown.ranges.length === 0) return thrown;
  return new SourceError(thrown.message, thrown.ranges, { code: thrown.code, cause: thrown, file });
}
