import { EngineError, invalidArgument } from '@wharf/base/error';
import { parseCapability } from '@wharf/runtime/spec/capabilities';

/** The names in canonical form; `option` is the field for the message. */
export function validateCapabilities(
  option: 'CapAdd' | 'CapDrop',
  names: readonly string[] | null,
  available: ReadonlySet<string>,
): void {
  for (const name of names ?? []) {
    const parsed = parse(option, name);
    if (option === 'CapAdd' && parsed !== 'ALL' && !available.has(parsed)) {
      throw invalidArgument(
        `invalid ${option}: capability not supported by your kernel or not available in the current environment: "${parsed}"`,
      );
    }
  }
}

function parse(option: string, name: string): string {
  try {
    return parseCapability(name);
  } catch (error) {
    throw invalidArgument(`invalid ${option}: ${EngineError.from(error).message}`);
  }
}
