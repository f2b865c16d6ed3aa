import { terminalSize } from '../../terminal/terminal.ts';
import { atLeast, defineCommand } from '../command.ts';
import { containerFlags, createFlags } from './container-flags.ts';
import { checkPullPolicy, createContainer } from './create-container.ts';
import { type CreateBody, createRequest } from './create-request.ts';
import { failRun } from './run-errors.ts';

export const command = defineCommand({
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  args: atLeast(1),
  interspersed: false,
  complete: ['image', 'none'],
  flags: { ...containerFlags, ...createFlags },
  async run(cli, flags, [image = '', ...args]) {
    let body: CreateBody;
    try {
      checkPullPolicy(flags.pull);
      body = await createRequest(cli, flags, image, args);
    } catch (error) {
      throw failRun('create', error);
    }
    const size = terminalSize(1);
    if (size) body.HostConfig.ConsoleSize = [size.rows, size.columns];
    cli.out.print(`${await createContainer(cli, body, flags)}\n`);
  },
});
