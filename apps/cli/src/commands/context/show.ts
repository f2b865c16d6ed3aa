import { currentContextName } from '../../context/endpoint.ts';
import { defineCommand, noArgs } from '../command.ts';

export const command = defineCommand({
  usage: '',
  args: noArgs,
  flags: {},
  async run(cli) {
    cli.out.print(`${await currentContextName(cli)}\n`);
  },
});
