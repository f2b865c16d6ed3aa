import { invalidArgument } from '@wharf/base/error';
import { parseDockerignore } from '@wharf/base/ignore/dockerignore';
import type { ImageConfig } from '@wharf/oci/image-config';
import { formatPlatform, normalizePlatform, type Platform } from '@wharf/oci/platform';
import { formatCanonical, formatFamiliar, parseReference, withDefaultTag } from '@wharf/oci/reference';
import type { Definition, FrontendBridge, FrontendRequest, Ref } from '../solver/frontend.ts';
import type { FrontendOptions } from './frontend-options.ts';
import { gitFragment, parseGitReference } from './git-reference.ts';
import { fileOp } from './llb/file-op.ts';
import { decodedInput } from './llb/input.ts';
import { marshal } from './llb/marshal.ts';
import { git, http, image, local, ociLayout } from './llb/sources.ts';
import type { Output, State } from './llb/vertex.ts';
import type { SourceFile } from './source-error.ts';
import type { ConvertResolver, NamedContext } from './to-llb/convert-context.ts';
import { draftOf } from './to-llb/resolve-base.ts';

const decoder = new TextDecoder();
const ignoreFile = '.dockerignore';

/** The Dockerfile as it was read, and the vertex that its warnings hang on. */
export interface BuildDefinition {
  readonly text: string;
  readonly file: SourceFile;
  readonly vertex: string;
}

/** Where a build's files come from: the client's directories, a repository, an archive of the web, other results. */
export class BuildContexts implements ConvertResolver {
  readonly #bridge: FrontendBridge;
  readonly #options: FrontendOptions;
  readonly #inputs: FrontendRequest['inputs'];
  #main: Promise<{ context: State; filename: string } | undefined> | undefined;
  #ignore: Promise<readonly string[]> | undefined;
  #ownIgnore: { text: string; name: string } | undefined;

  constructor(bridge: FrontendBridge, options: FrontendOptions, inputs: FrontendRequest['inputs']) {
    this.#bridge = bridge;
    this.#options = options;
    this.#inputs = inputs;
  }

  async readDefinition(): Promise<BuildDefinition> {
    const remote = await this.#remote();
    const { attributes } = this.#options;
    const localName = attributes.get('dockerfilekey');
    const filename = remote?.filename ?? this.#options.filename;
    const input = this.#inputs[localName ?? 'dockerfile'];
    const fallback = /(?:^|\/)Dockerfile$/.test(filename) ? filename.replace(/Dockerfile$/, 'dockerfile') : undefined;
    const source =
      input && localName === undefined
        ? decodedInput(input)
        : ((localName === undefined ? remote?.context : undefined) ??
          this.#localDefinition(localName ?? 'dockerfile', filename, fallback));
    const ref = await this.#solve(source);
    const data = await this.#read(ref, filename, fallback);
    const ignore = await this.#tryRead(ref, `${filename}${ignoreFile}`);
    if (ignore) this.#ownIgnore = { text: decoder.decode(ignore), name: `${filename}${ignoreFile}` };
    const file = { filename, data, language: 'Dockerfile' };
    return { text: decoder.decode(data), file, vertex: source?.vertex.encode().digest ?? '' };
  }

  #localDefinition(name: string, filename: string, fallback: string | undefined): Output {
    const followPaths = [filename, `${filename}${ignoreFile}`, ...(fallback ? [fallback] : [])];
    return this.#local(name, `[internal] load build definition from ${filename}`, {
      sharedKeyHint: name,
      followPaths: () => followPaths,
      differNone: true,
    });
  }

  #local(
    name: string,
    title: string,
    options: {
      sharedKeyHint: string;
      followPaths: () => readonly string[];
      excludePatterns?: readonly string[];
      differNone?: boolean;
    },
  ): Output {
    const { sharedKeyHint, followPaths, excludePatterns = [], differNone = false } = options;
    const { sessionId } = this.#bridge;
    const asked = () => ({ sharedKeyHint, sessionId, excludePatterns, differNone, followPaths: followPaths() });
    return local(name, asked, { name: title });
  }

  async #read(ref: Ref, filename: string, fallback: string | undefined): Promise<Uint8Array> {
    try {
      return await this.#bridge.readFile(ref, filename);
    } catch (thrown) {
      const other = fallback === undefined ? undefined : await this.#tryRead(ref, fallback);
      if (other) return other;
      throw invalidArgument(`failed to read dockerfile: ${(thrown as Error).message}`, { cause: thrown });
    }
  }

  async #tryRead(ref: Ref, path: string): Promise<Uint8Array | undefined> {
    return await this.#bridge.readFile(ref, path).catch(() => undefined);
  }

  async #solve(state: State): Promise<Ref> {
    const definition: Definition = marshal(state);
    const { refs } = await this.#bridge.solve({ definition });
    const ref = refs.values().next().value;
    if (!ref) throw invalidArgument('the build context is empty');
    return ref;
  }

  /** undefined for a directory of the client. */
  #remote(): Promise<{ context: State; filename: string } | undefined> {
    this.#main ??= this.#findRemote();
    return this.#main;
  }

  async #findRemote(): Promise<{ context: State; filename: string } | undefined> {
    const { attributes, filename } = this.#options;
    const name = attributes.get('contextkey') ?? 'context';
    const address = attributes.get(name);
    const subdirectory = attributes.get('contextsubdir');
    const scoped = (context: State) => (subdirectory ? this.#subdirectory(context, subdirectory) : context);
    if (address) {
      const keepGitDir = attributes.get('build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR') === '1';
      const repository = gitContext(address, `[internal] load git source ${address}`, keepGitDir);
      if (repository) return { context: scoped(repository), filename };
      if (/^https?:\/\//.test(address)) {
        const { context, isArchive } = await this.#download(address);
        return { context: scoped(context), filename: isArchive ? filename : 'context' };
      }
    }
    const input = this.#inputs.context;
    return input ? { context: scoped(decodedInput(input)), filename } : undefined;
  }

  /** An archive is unpacked; anything else is a Dockerfile alone. */
  async #download(address: string): Promise<{ context: State; isArchive: boolean }> {
    const file = http(address, { filename: 'context', name: '[internal] load remote build context' });
    const head = await this.#bridge.readFile(await this.#solve(file), 'context', { offset: 0, length: 1024 });
    if (!isArchive(head)) return { context: file, isArchive: false };
    const options = { attemptUnpack: true };
    const step = { kind: 'copy' as const, from: file, src: '/context', dest: '/', options };
    return { context: fileOp(undefined, [step], { platform: this.#options.buildPlatform }), isArchive: true };
  }

  #subdirectory(context: State, path: string): Output {
    const options = { dirCopyContents: true };
    const step = { kind: 'copy' as const, from: context, src: path, dest: '/', options };
    return fileOp(undefined, [step], { platform: this.#options.buildPlatform });
  }

  /** Encoded when all that is read is known; `prepare` has to have run. */
  mainContext(paths: () => readonly string[]): Output {
    const remote = this.#remoteContext;
    if (remote) return remote;
    const name = this.#contextName();
    return this.#local(name, '[internal] load build context', {
      sharedKeyHint: name,
      followPaths: paths,
      excludePatterns: this.#patterns,
    });
  }

  #contextName(): string {
    return this.#options.attributes.get('contextkey') ?? 'context';
  }

  #remoteContext: State;
  #patterns: readonly string[] = [];

  async ignorePatterns(): Promise<readonly string[]> {
    this.#ignore ??= this.#readIgnore();
    return await this.#ignore;
  }

  async #readIgnore(): Promise<readonly string[]> {
    this.#remoteContext = (await this.#remote())?.context;
    if (this.#remoteContext) return [];
    const text =
      this.#ownIgnore?.text ?? (await this.#loadIgnore(this.#contextName(), '[internal] load .dockerignore'));
    this.#patterns = parseDockerignore(text);
    return this.#patterns;
  }

  async #loadIgnore(name: string, title: string, hint = name): Promise<string> {
    const source = this.#local(name, title, {
      sharedKeyHint: `${hint}-${ignoreFile}`,
      followPaths: () => [ignoreFile],
      differNone: true,
    });
    const data = await this.#tryRead(await this.#solve(source), ignoreFile);
    return data ? decoder.decode(data) : '';
  }

  async resolveImage(reference: string, { platform, logName }: { platform: Platform; logName: string }) {
    const { resolveMode } = this.#options;
    const resolved = await this.#bridge.resolveImageConfig(reference, { platform, resolveMode, logName });
    const config = JSON.parse(decoder.decode(resolved.config)) as Record<string, unknown>;
    return { reference: resolved.reference, digest: resolved.digest, config };
  }

  async namedContext(
    name: string,
    options: { platform: Platform; paths: () => readonly string[] },
  ): Promise<NamedContext | undefined> {
    const familiar = formatFamiliar(parseReference(name)).replace(/:latest$/, '');
    const withPlatform = `${familiar}::${formatPlatform(normalizePlatform(options.platform))}`;
    for (const key of [withPlatform, familiar]) {
      const value = this.#options.attributes.get(`context:${key}`);
      if (value !== undefined) return await this.#openNamed(key, value, options);
    }
    return undefined;
  }

  async #openNamed(
    key: string,
    value: string,
    { platform, paths }: { platform: Platform; paths: () => readonly string[] },
  ): Promise<NamedContext> {
    const colon = value.indexOf(':');
    if (colon < 0) throw invalidArgument(`invalid context specifier ${value} for ${key}`);
    const scheme = value.startsWith('git@') ? 'git' : value.slice(0, colon);
    const rest = value.slice(colon + 1);
    switch (scheme) {
      case 'docker-image':
        return await this.#namedImage(key, rest.replace(/^\/\//, ''), platform);
      case 'oci-layout':
        return await this.#namedLayout(key, rest.replace(/^\/\//, ''), platform);
      case 'git':
      case 'http':
      case 'https': {
        const repository = gitContext(value, `[context ${key}] load git source ${value}`, true);
        if (!repository && scheme === 'git') throw invalidArgument(`invalid git context ${value}`);
        return { state: repository ?? http(value, { name: `[context ${key}] ${value}` }) };
      }
      case 'local': {
        const ignore = await this.#loadIgnore(rest, `[context ${key}] load ${ignoreFile}`, `context:${key}`);
        const state = this.#local(rest, `[context ${key}] load from client`, {
          sharedKeyHint: `context:${key}`,
          followPaths: paths,
          excludePatterns: parseDockerignore(ignore),
        });
        return { state };
      }
      case 'input':
        return this.#namedInput(key, rest);
      default:
        throw invalidArgument(`unsupported context source ${scheme} for ${key}`);
    }
  }

  async #namedImage(key: string, reference: string, platform: Platform): Promise<NamedContext> {
    if (reference === 'scratch') return { state: undefined };
    const canonical = formatCanonical(withDefaultTag(parseReference(reference)));
    const logName = `[context ${key}] load metadata for ${reference}`;
    const resolved = await this.resolveImage(canonical, { platform, logName });
    const pinned =
      resolved.digest && !resolved.reference.includes('@')
        ? `${resolved.reference}@${resolved.digest}`
        : resolved.reference;
    const state = image(pinned, {
      platform,
      resolveMode: this.#options.resolveMode,
      name: `[context ${key}] ${reference}`,
    });
    return { state, image: draftOf(resolved.config as unknown as ImageConfig) };
  }

  async #namedLayout(key: string, specifier: string, platform: Platform): Promise<NamedContext> {
    const match = /^([^@]+)@(sha256:[0-9a-f]{64})$/.exec(specifier);
    if (!match) throw invalidArgument(`oci-layout reference "${specifier}" has no digest`);
    const [, storeId = '', digest = ''] = match;
    const { domain, path } = parseReference(key.replace(/::.*$/, ''));
    const reference = `${domain}/${path}@${digest}`;
    const { sessionId } = this.#bridge;
    const state = ociLayout(reference, {
      platform,
      sessionId,
      storeId: storeId.replace(/:[^/]*$/, ''),
      name: `[context ${key}] OCI load from client`,
    });
    return await Promise.resolve({ state });
  }

  #namedInput(key: string, name: string): NamedContext {
    const input = this.#inputs[name];
    if (!input) throw invalidArgument(`invalid input ${name} for ${key}`);
    const state = decodedInput(input);
    const metadata = this.#options.attributes.get(`input-metadata:${name}`);
    if (metadata === undefined) return { state };
    const encoded = (JSON.parse(metadata) as Record<string, string>)['containerimage.config'];
    if (encoded === undefined) return { state };
    const config = JSON.parse(Buffer.from(encoded, 'base64').toString()) as ImageConfig;
    return { state, image: draftOf(config) };
  }
}

function gitContext(address: string, name: string, keepGitDir: boolean): Output | undefined {
  const reference = parseGitReference(address);
  if (!reference) return undefined;
  const { remote, checksum, submodules } = reference;
  return git(remote, gitFragment(reference), {
    name,
    keepGitDir: reference.keepGitDir ?? keepGitDir,
    skipSubmodules: submodules === false,
    ...(checksum === '' ? {} : { checksum }),
  });
}

const magics = [
  [0x42, 0x5a, 0x68],
  [0x1f, 0x8b, 0x08],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00],
  [0x28, 0xb5, 0x2f, 0xfd],
];

function isArchive(head: Uint8Array): boolean {
  if (magics.some((magic) => magic.every((byte, index) => head[index] === byte))) return true;
  return head.length >= 263 && decoder.decode(head.subarray(257, 262)) === 'ustar';
}
