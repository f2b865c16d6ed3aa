import { invalidArgument } from '@wharf/base/error';

const restricted = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** Throws Docker's refusal of a name that the local driver cannot have. */
export function checkVolumeName(name: string): void {
  if (name.length === 1) {
    throw invalidArgument('volume name is too short, names should be at least two alphanumeric characters');
  }
  if (!restricted.test(name)) {
    throw invalidArgument(
      `${JSON.stringify(name)} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  }
}
