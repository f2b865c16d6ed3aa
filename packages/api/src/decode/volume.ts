import { type Decoder, map, nullable, struct, text } from '@wharf/base/decode';
import type { VolumeCreateRequest } from '../volume.ts';

const anyObject: Decoder<object> = (value) => (typeof value === 'object' && value !== null ? value : {});

export const volumeCreateRequest = struct<VolumeCreateRequest>('CreateOptions', {
  Name: text,
  Driver: text,
  DriverOpts: map(text),
  Labels: map(text),
  ClusterVolumeSpec: nullable(anyObject),
});
