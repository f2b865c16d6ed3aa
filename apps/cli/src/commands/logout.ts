import { eraseCredentials, serverKey } from '../credentials/credential-store.ts';
import { atMost, defineCommand } from './command.ts';

export const command = defineCommand({
  usage: '[SERVER]',
  args: atMost(1),
  details: 'Without a server it is Docker Hub.',
  flags: {},
  async run(cli, _flags, [server]) {
    const key = serverKey(server);
    cli.out.print(`Removing login credentials for ${key}\n`);
    await eraseCredentials(cli, key);
  },
});
