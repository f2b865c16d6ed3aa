import type { ConvertContext } from './convert-context.ts';
import type { StageState } from './stage-state.ts';

const comment = 'buildkit.dockerfile.v0';

/** One entry; those that the solver makes a layer of say so, as docker history shows them. */
export function commit(
  { options }: Pick<ConvertContext, 'options'>,
  stage: StageState,
  text: string,
  kind: 'layer' | 'layer-of-build' | 'empty',
): void {
  const { created } = options;
  stage.image.history.push({
    ...(created === undefined ? {} : { created }),
    created_by: kind === 'layer-of-build' ? `${text} # buildkit` : text,
    comment,
    ...(kind === 'empty' ? { empty_layer: true } : {}),
  });
}
