/** One way out of a build, as clients ask for it. */
export interface ExporterRequest {
  /** image (also `moby`), oci, docker, local, tar, cacheonly */
  readonly type: string;
  readonly attributes: Readonly<Record<string, string>>;
}
