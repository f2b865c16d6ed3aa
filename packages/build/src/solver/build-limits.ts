/** For every RUN of one build. */
export interface BuildLimits {
  /** Bytes. */
  readonly memory?: number;
  readonly memorySwap?: number;
  readonly cpuShares?: number;
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpusetCpus?: string;
  readonly cpusetMems?: string;
  /** RUNs at once. */
  readonly parallelSteps?: number;
  readonly cgroupParent?: string;
}
