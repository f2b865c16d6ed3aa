import { ExitError } from '../exit-error.ts';

/** What a credential helper keeps for one registry: docker-credential-helpers' protocol. */
export interface HelperEntry {
  readonly ServerURL: string;
  readonly Username: string;
  readonly Secret: string;
}

/** The user name that stands for an identity token. */
export const tokenUser = '<token>';

const notFound = 'credentials not found in native keychain';

/** Runs `docker-credential-<name>`: what it is told comes on its standard input. */
async function runHelper(name: string, verb: string, input: string): Promise<string> {
  const program = `docker-credential-${name}`;
  if (!/^[\w.-]+$/.test(name) || Bun.which(program) === null) {
    throw new ExitError(1, `error getting credentials - err: exec: "${program}": executable file not found in $PATH`);
  }
  const child = Bun.spawn([program, verb], { stdin: new Blob([input]), stdout: 'pipe', stderr: 'inherit' });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) === 0) return output;
  throw new ExitError(
    1,
    `error ${verb === 'get' ? 'getting' : 'storing'} credentials - err: exit status ${child.exitCode}, out: \`${output.trim()}\``,
  );
}

/** Undefined where the helper has nothing for this registry. */
export async function getFromHelper(name: string, key: string): Promise<HelperEntry | undefined> {
  try {
    const parsed = JSON.parse(await runHelper(name, 'get', key)) as Partial<HelperEntry>;
    return { ServerURL: key, Username: parsed.Username ?? '', Secret: parsed.Secret ?? '' };
  } catch (error) {
    if (error instanceof ExitError && error.message.includes(notFound)) return undefined;
    throw error;
  }
}

export async function storeInHelper(name: string, entry: HelperEntry): Promise<void> {
  await runHelper(name, 'store', JSON.stringify(entry));
}

export async function eraseFromHelper(name: string, key: string): Promise<void> {
  await runHelper(name, 'erase', key);
}
