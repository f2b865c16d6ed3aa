import type { RestartPolicy } from '@wharf/api/container';
import { invalidArgument } from '@wharf/base/error';

/** Docker's refusals of a restart policy, also for `container update`. */
export function validateRestartPolicy({ Name, MaximumRetryCount }: RestartPolicy): void {
  switch (Name) {
    case '':
    case 'no':
    case 'always':
    case 'unless-stopped':
      if (MaximumRetryCount === 0) return;
      throw invalidArgument(
        "invalid restart policy: maximum retry count can only be used with 'on-failure'" +
          (MaximumRetryCount < 0 ? ' and cannot be negative' : ''),
      );
    case 'on-failure':
      if (MaximumRetryCount >= 0) return;
      throw invalidArgument('invalid restart policy: maximum retry count cannot be negative');
  }
  throw invalidArgument(
    `invalid restart policy: unknown policy '${Name satisfies never}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
  );
}
