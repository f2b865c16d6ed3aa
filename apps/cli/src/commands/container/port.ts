import type { ContainerInspect } from '@wharf/api/container';
import type { PortBinding } from '@wharf/api/network';
import { ExitError } from '../../exit-error.ts';
import { cut } from '../../flags/parse.ts';
import { byNaturalOrder } from '../../format/natural-order.ts';
import { isIPv6 } from '../../ip.ts';
import { defineCommand } from '../command.ts';
import { segment } from '../for-each.ts';

export const command = defineCommand({
  usage: 'CONTAINER [PRIVATE_PORT[/PROTO]]',
  args: { min: 1, max: 2 },
  complete: ['running-container', 'none'],
  flags: {},
  async run(cli, _flags, [container = '', wanted]) {
    const client = await cli.client();
    const inspected = await client.json<ContainerInspect>('GET', `/containers/${segment(container)}/json`);
    const ports = inspected.NetworkSettings.Ports ?? {};
    if (wanted !== undefined) {
      const [port, protocol = 'tcp'] = cut(wanted, '/');
      const bindings = ports[`${port}/${protocol}`];
      if (!bindings?.length) {
        throw new ExitError(1, `Error: No public port '${wanted}' published for ${container}`);
      }
      cli.out.print(bindings.map((binding) => `${formatBinding(binding)}\n`).join(''));
      return;
    }
    const lines = Object.entries(ports).flatMap(([port, bindings]) =>
      (bindings ?? []).map((binding) => `${port} -> ${formatBinding(binding)}`),
    );
    cli.out.print(
      lines
        .sort(byNaturalOrder)
        .map((line) => `${line}\n`)
        .join(''),
    );
  },
});

function formatBinding({ HostIp, HostPort }: PortBinding): string {
  return isIPv6(HostIp) ? `[${HostIp}]:${HostPort}` : `${HostIp}:${HostPort}`;
}
