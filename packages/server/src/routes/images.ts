import { atLeast } from '@wharf/api/version';
import { decode, list, parseJson, struct, text } from '@wharf/base/decode';
import { invalidArgument, notImplemented } from '@wharf/base/error';
import type { Engine } from '@wharf/engine/engine';
import type { Platform } from '@wharf/oci/platform';
import { imageInspectFor, imageSummaryFor } from '../compat/image.ts';
import type { Context } from '../context.ts';
import { type Route, route } from '../router.ts';
import { sendProgress, sendReadable } from '../stream-response.ts';

export function imageRoutes({ images }: Pick<Engine, 'images'>): Route[] {
  return [
    route('GET', '/images/json', async (context) => {
      const { query, version } = context;
      const found = await images.list({
        all: query.boolean('all'),
        digests: query.boolean('digests'),
        manifests: query.boolean('manifests') && atLeast(version, 47),
        sharedSize: query.boolean('shared-size') && atLeast(version, 42),
        filters: query.filters(),
      });
      context.json(
        200,
        found.map((summary) => imageSummaryFor(version, summary)),
      );
    }),

    route('GET', '/images/get', async (context) => save(context, context.query.all('names'))),
    route('GET', '/images/{name...}/get', async (context) => save(context, [context.parameters.name])),

    route('GET', '/images/{name...}/json', async (context) => {
      const { query, version } = context;
      const manifests = query.boolean('manifests') && atLeast(version, 48);
      const platform = atLeast(version, 49) ? parsePlatform(query.text('platform')) : undefined;
      if (manifests && platform) {
        throw invalidArgument('conflicting options: manifests and platform options cannot both be set');
      }
      const image = await images.inspect(context.parameters.name, { manifests, ...(platform && { platform }) });
      context.json(200, imageInspectFor(version, image));
    }),

    route('GET', '/images/{name...}/history', async (context) => {
      const platform = atLeast(context.version, 48) ? parsePlatform(context.query.text('platform')) : undefined;
      context.json(200, await images.history(context.parameters.name, platform));
    }),

    route('POST', '/images/{name...}/tag', async (context) => {
      const { query, parameters } = context;
      await images.tag(parameters.name, query.text('repo'), query.text('tag'));
      context.empty(201);
    }),

    route('DELETE', '/images/{name...}', async (context) => {
      const { query, version } = context;
      const options = {
        force: query.boolean('force'),
        noprune: query.boolean('noprune'),
        platforms: atLeast(version, 50) ? parsePlatforms(query.all('platforms')) : [],
      };
      context.json(200, await images.remove(context.parameters.name, options));
    }),

    route('POST', '/images/prune', async (context) => {
      context.json(200, await images.prune(context.query.filters()));
    }),

    route('POST', '/images/{name...}/push', push),
    route('POST', '/images/load', load),
    route('POST', '/images/create', createImage),
  ];

  async function load<P>(context: Context<P>): Promise<void> {
    const { query, version, signal } = context;
    const platforms = atLeast(version, 48) ? parsePlatforms(query.all('platform')) : [];
    // Quiet is the default: only the names that were loaded are told.
    const quiet = query.booleanOr('quiet', true);
    await sendProgress(context, (progress) =>
      images.load(context.bodyStream(), { quiet, platforms, signal }, progress),
    );
  }

  async function save<P>(context: Context<P>, names: readonly string[]): Promise<void> {
    const { query, version, signal } = context;
    const platforms = atLeast(version, 48) ? parsePlatforms(query.all('platform')) : [];
    const archive = await images.save(names, { platforms, signal });
    await sendReadable(context, archive, 'application/x-tar');
  }

  async function pull<P>(context: Context<P>, image: string): Promise<void> {
    const { query, signal } = context;
    const platform = parsePlatformText(query.text('platform'));
    const auth = context.header('x-registry-auth');
    const options = { tag: query.text('tag'), auth, signal, ...(platform && { platform }) };
    await sendProgress(context, (progress) => images.pull(image, options, progress));
  }

  async function push(context: Context<{ name: string }>): Promise<void> {
    const { query, version, signal } = context;
    const platform = atLeast(version, 46) ? parsePlatform(query.text('platform')) : undefined;
    const auth = context.header('x-registry-auth');
    const options = { tag: query.text('tag'), auth, signal, ...(platform && { platform }) };
    await sendProgress(context, (progress) => images.push(context.parameters.name, options, progress));
  }

  /** Pull with `fromImage`, import with `fromSrc`. */
  async function createImage<P>(context: Context<P>): Promise<void> {
    const { query, signal } = context;
    const image = query.text('fromImage');
    if (image !== '') return pull(context, image);
    const source = query.text('fromSrc');
    if (source === '') throw invalidArgument('either fromImage or fromSrc must be given');
    if (source !== '-') throw notImplemented('importing an image from a URL');
    const platform = parsePlatformText(query.text('platform'));
    const options = {
      repo: query.text('repo'),
      tag: query.text('tag'),
      message: query.text('message'),
      changes: query.all('changes'),
      ...(platform && { platform }),
      signal,
    };
    await sendProgress(context, (progress) => images.import(context.bodyStream(), options, progress));
  }
}

const platform = struct<Required<Platform>>('Platform', {
  architecture: text,
  os: text,
  variant: text,
  'os.version': text,
  'os.features': (value, path) => list(text)(value, path) ?? [],
});

/** The JSON form of OCI; `undefined` for ''. */
function parsePlatform(json: string): Platform | undefined {
  if (json === '') return undefined;
  const decoded = decode(platform, parseJson(json));
  if (decoded.os === '' || decoded.architecture === '') {
    throw invalidArgument('both OS and Architecture must be provided');
  }
  const { os, architecture } = decoded;
  const version = decoded['os.version'];
  return {
    os,
    architecture,
    ...(decoded.variant !== '' && { variant: decoded.variant }),
    ...(version !== '' && { 'os.version': version }),
  };
}

function parsePlatforms(values: readonly string[]): Platform[] {
  return values.map(parsePlatform).filter((parsed) => parsed !== undefined);
}

/** The short form, `os/architecture[/variant]`. */
function parsePlatformText(value: string): Platform | undefined {
  if (value === '') return undefined;
  const [os, architecture, variant, ...rest] = value.split('/');
  if (!os || !architecture || rest.length > 0) {
    throw invalidArgument(`${JSON.stringify(value)}: unknown operating system or architecture`);
  }
  return { os, architecture, ...(variant && { variant }) };
}
