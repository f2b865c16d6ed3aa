import { lstatSync, lutimesSync, readdirSync } from 'node:fs';

/** Gives all of a directory one time, in seconds since 1970. Names may be any bytes; links are never followed. */
export function stampTree(directory: string, time: number): void {
  const visit = (path: Buffer): void => {
    if (lstatSync(path).isDirectory()) {
      const prefix = Buffer.concat([path, Buffer.from('/')]);
      for (const name of readdirSync(path, { encoding: 'buffer' })) visit(Buffer.concat([prefix, name]));
    }
    lutimesSync(path, time, time);
  };
  visit(Buffer.from(directory));
}
