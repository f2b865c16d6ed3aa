import type { BuildRecord, Material } from './build-record.ts';

/** What buildx calls what `provenanceOf` writes. */
export const provenanceType = 'https://slsa.dev/provenance/v0.2';

/** Of what a build was made, as a predicate of SLSA provenance 0.2. */
export function provenanceOf({
  ref,
  frontend,
  options,
  materials,
  createdAt,
  completedAt,
  error,
}: BuildRecord): string {
  return JSON.stringify({
    builder: { id: '' },
    buildType: 'https://mobyproject.org/buildkit@v1',
    materials: materials.map(describe),
    invocation: {
      configSource: { entryPoint: options.filename ?? 'Dockerfile' },
      parameters: { frontend, args: options, locals: [{ name: 'context' }, { name: 'dockerfile' }] },
      environment: { platform: options.platform ?? '' },
    },
    metadata: {
      buildInvocationID: ref,
      buildStartedOn: new Date(createdAt).toISOString(),
      buildFinishedOn: new Date(completedAt ?? createdAt).toISOString(),
      completeness: { parameters: true, environment: true, materials: error === undefined },
      reproducible: false,
    },
  });
}

function describe({ uri, digest }: Material) {
  const at = digest.indexOf(':');
  return { uri, digest: { [digest.slice(0, at)]: digest.slice(at + 1) } };
}
