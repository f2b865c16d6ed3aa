import type { ImageInspect, ImageSummary } from '@wharf/api/image';
import { type ApiVersion, atLeast } from '@wharf/api/version';
import { zeroTime } from '@wharf/base/timestamp';

/** One item of `GET /images/json` as this version of the API has it. */
export function imageSummaryFor(version: ApiVersion, summary: ImageSummary): object {
  const { Descriptor, Manifests, Containers, ...rest } = summary;
  const dangling = !atLeast(version, 43) && rest.RepoTags.length === 0 && rest.RepoDigests.length === 0;
  return {
    ...rest,
    ...(dangling && { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] }),
    ...(!atLeast(version, 44) && { VirtualSize: rest.Size }),
    Containers: atLeast(version, 51) ? Containers : -1,
    ...(Manifests && atLeast(version, 47) && { Manifests }),
    ...(Descriptor && atLeast(version, 48) && { Descriptor }),
  };
}

/** What an image's configuration repeated of a container's until 1.50. */
const containerOnlyFields = {
  Hostname: '',
  Domainname: '',
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Image: '',
};

/** `GET /images/{name}/json` as this version of the API has it. */
export function imageInspectFor(version: ApiVersion, inspect: ImageInspect): object {
  const { Descriptor, Manifests, Created, Config, ...rest } = inspect;
  const created = Created ?? (atLeast(version, 44) ? undefined : zeroTime);
  const config = atLeast(version, 50) ? Config : { ...containerOnlyFields, ...Config };
  return {
    ...rest,
    ...(created !== undefined && { Created: created }),
    Config: config,
    ...(!atLeast(version, 44) && { VirtualSize: rest.Size }),
    ...(!atLeast(version, 45) && { Container: '', ContainerConfig: null }),
    ...(!atLeast(version, 52) && { DockerVersion: '', Parent: '' }),
    ...(Descriptor && atLeast(version, 48) && { Descriptor }),
    ...(Manifests && atLeast(version, 48) && { Manifests }),
  };
}
