import { ExitError } from '../exit-error.ts';
import { bashCompletion, fishCompletion, zshCompletion } from '../flags/completion-scripts.ts';
import { defineCommand, exactly } from './command.ts';

const scripts: Readonly<Record<string, string>> = { bash: bashCompletion, fish: fishCompletion, zsh: zshCompletion };

export const command = defineCommand({
  usage: 'SHELL',
  args: exactly(1),
  complete: [Object.keys(scripts)],
  details: `Shells: ${Object.keys(scripts).join(', ')}. For bash: source <(wharf completion bash)`,
  flags: {},
  async run(cli, _flags, [shell = '']) {
    const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
    if (script === undefined)
      throw new ExitError(1, `unknown shell: ${shell}: must be one of ${Object.keys(scripts).join(', ')}`);
    cli.out.print(script);
  },
});
