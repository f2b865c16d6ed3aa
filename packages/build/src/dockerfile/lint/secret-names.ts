// Whole words of the name only: `MONKEY` is none, `API_KEY` is. `PUBLIC_KEY` and `PASSWORD_FILE` hold nothing secret.
const secret = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const harmless = /(?:_|^)(?:public|file|version)(?:_|$)/i;

/** True where a variable of this name likely holds a secret. */
export function looksSecret(name: string): boolean {
  return secret.test(name) && !harmless.test(name);
}
