import { UsageError } from '../../flags/usage-error.ts';

/** `linux/arm64/v8` as the JSON that queries carry; undefined for ''. */
export function platformQuery(text: string): string | undefined {
  if (text === '') return undefined;
  const [os = '', architecture = '', variant, ...rest] = text.split('/');
  if (os === '' || architecture === '' || rest.length > 0) {
    throw new UsageError(`invalid platform: ${JSON.stringify(text)}: must be os/architecture[/variant]`);
  }
  return JSON.stringify({ architecture, os, ...(variant === undefined ? {} : { variant }) });
}
