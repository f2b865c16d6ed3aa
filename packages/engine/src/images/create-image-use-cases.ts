import type { ImageUseCases } from '../engine.ts';
import { imageHistory } from './history.ts';
import type { ImageDeps } from './image-deps.ts';
import { importImage } from './import.ts';
import { inspectImage } from './inspect.ts';
import { listImages } from './list.ts';
import { loadImages } from './load.ts';
import { pruneImages } from './prune.ts';
import { pullImage } from './pull.ts';
import { pushImage } from './push.ts';
import { removeImage } from './remove.ts';
import { saveImages } from './save.ts';
import { tagImage } from './tag.ts';

export function createImageUseCases(deps: ImageDeps): ImageUseCases {
  return {
    list: async (options) => listImages(deps, options),
    inspect: async (name, options) => inspectImage(deps, name, options),
    history: async (name, platform) => imageHistory(deps, name, platform),
    tag: async (name, repo, tag) => tagImage(deps, name, repo, tag),
    remove: (name, options) => removeImage(deps, name, options),
    prune: (filters) => pruneImages(deps, filters),
    pull: (image, options, progress) => pullImage(deps, image, options, progress),
    push: (image, options, progress) => pushImage(deps, image, options, progress),
    load: (archive, options, progress) => loadImages(deps, archive, options, progress),
    save: (names, options) => saveImages(deps, names, options),
    import: (source, options, progress) => importImage(deps, source, options, progress),
  };
}
