import { createRow, type Row } from '@wharf/base/template/row';
import type { ListStyle } from './list.ts';
import { ellipsis, truncateId } from './units.ts';

/** Of what `GET /plugins` tells, that which is listed. */
export interface PluginSummary {
  readonly Id: string;
  readonly Name: string;
  readonly Enabled: boolean;
  readonly Config: { readonly Description: string };
  readonly PluginReference?: string;
}

export const pluginStyle: ListStyle = {
  headers: {
    ID: 'ID',
    Name: 'NAME',
    Description: 'DESCRIPTION',
    Enabled: 'ENABLED',
    PluginReference: 'REFERENCE',
  },
  table: '{{.ID}}\t{{.Name}}\t{{.Description}}\t{{.Enabled}}',
  quiet: '{{.ID}}',
  raw: [
    ['plugin_id', 'ID'],
    ['name', 'Name'],
    ['description', 'Description'],
    ['enabled', 'Enabled'],
  ],
};

/** What templates see of a managed plugin. */
export function pluginRow({ Id, Name, Enabled, Config, PluginReference }: PluginSummary, truncate: boolean): Row {
  const description = Config.Description.replaceAll('\n', '').replaceAll('\r', '');
  return createRow('*plugin.pluginContext', {
    ID: () => (truncate ? truncateId(Id) : Id),
    Name: () => Name,
    Description: () => (truncate ? ellipsis(description, 45) : description),
    Enabled: () => Enabled,
    PluginReference: () => PluginReference ?? '',
  });
}
