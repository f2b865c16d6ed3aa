import { invalidArgument } from '@wharf/base/error';
import type { ByteString } from '@wharf/oci/layer/tar-header';

/**
 * A member's name as components below the layer's root. Absolute names start there too. Throws where `..` leads
 * out of it: no honest writer makes such a name.
 */
export function layerPath(name: ByteString): ByteString[] {
  const components: ByteString[] = [];
  for (const component of name.split('/')) {
    if (component === '' || component === '.') continue;
    if (component !== '..') components.push(component);
    else if (components.pop() === undefined) {
      throw invalidArgument(`invalid tar: path ${JSON.stringify(name)} is outside of the layer`);
    }
  }
  return components;
}
