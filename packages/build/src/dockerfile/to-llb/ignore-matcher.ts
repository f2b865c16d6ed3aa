/** Whether a path of the build context is left out by .dockerignore. */
export interface PatternMatcher {
  matches(path: string): boolean;
  readonly hasExceptions: boolean;
}
