import { boolean, type Decoder, integer, list, map, nullable, struct, text, uint32 } from '@wharf/base/decode';
import type { BindOptions, Mount, TmpfsOptions, VolumeOptions } from '../container.ts';

const bindOptions = struct<BindOptions>('BindOptions', {
  Propagation: text,
  NonRecursive: boolean,
  CreateMountpoint: boolean,
  ReadOnlyNonRecursive: boolean,
  ReadOnlyForceRecursive: boolean,
});

const driverConfig = struct<NonNullable<VolumeOptions['DriverConfig']>>('Driver', { Name: text, Options: map(text) });

const volumeOptions = struct<VolumeOptions>('VolumeOptions', {
  NoCopy: boolean,
  Labels: map(text),
  DriverConfig: nullable(driverConfig),
  Subpath: text,
});

const tmpfsOptions = struct<TmpfsOptions>('TmpfsOptions', {
  SizeBytes: integer,
  Mode: uint32,
  Options: list((value, path) => list(text)(value, path) ?? []),
});

export const mount = struct<Mount>('Mount', {
  // Which types exist is validated with the rest of the mount, where Docker's message is made.
  Type: text as Decoder<Mount['Type']>,
  Source: text,
  Target: text,
  ReadOnly: boolean,
  Consistency: text,
  BindOptions: nullable(bindOptions),
  VolumeOptions: nullable(volumeOptions),
  ImageOptions: nullable(struct<{ Subpath: string }>('ImageOptions', { Subpath: text })),
  TmpfsOptions: nullable(tmpfsOptions),
});
