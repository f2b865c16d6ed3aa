import { ExitError } from '../exit-error.ts';

/** Where a distribution's packages are, and when they were last changed. */
export interface PackageMirror {
  readonly url: string;
  /** Of the suite's index: packages are what they were then. */
  readonly date: Date;
}

/** The mirror that is named, else the one that this machine takes the distribution's packages from. */
export async function findMirror(
  { distribution, suite }: { distribution: string; suite: string },
  named: string,
): Promise<PackageMirror> {
  const url = (named || (await ownMirror(distribution))).replace(/\/+$/, '');
  if (url === '') {
    throw new ExitError(1, `this machine knows no mirror of ${distribution}: name one with --mirror`);
  }
  return { url, date: await suiteDate(url, suite) };
}

/** From apt's own sources; '' where they have none of this distribution. */
async function ownMirror(distribution: string): Promise<string> {
  if (Bun.which('apt-get') === null) return '';
  const child = Bun.spawn(['apt-get', 'indextargets', '--format', '$(ORIGIN) $(REPO_URI)'], { stderr: 'ignore' });
  const lines = (await new Response(child.stdout).text()).split('\n');
  const origin = distribution.toLowerCase();
  const found = lines.map((line) => line.split(' ')).find(([name = '', uri]) => name.toLowerCase() === origin && uri);
  return found?.[1] ?? '';
}

async function suiteDate(url: string, suite: string): Promise<Date> {
  const index = `${url}/dists/${suite}/InRelease`;
  let response: Response;
  try {
    response = await fetch(index);
  } catch (error) {
    throw new ExitError(1, `cannot read ${index}: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!response.ok) throw new ExitError(1, `cannot read ${index}: ${response.status} ${response.statusText}`);
  const date = new Date(/^Date: (.+)$/m.exec(await response.text())?.[1] ?? '');
  if (Number.isNaN(date.getTime())) throw new ExitError(1, `${index} says no date`);
  return date;
}
