export type HeaderField = readonly [name: string, value: string];

/** RFC 7541, appendix A; the first one has the index 1. */
export const staticTable: readonly HeaderField[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  ...[200, 204, 206, 304, 400, 404, 500].map((status): HeaderField => [':status', String(status)]),
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ...(
    'accept-language accept-ranges accept access-control-allow-origin age allow authorization cache-control ' +
    'content-disposition content-encoding content-language content-length content-location content-range ' +
    'content-type cookie date etag expect expires from host if-match if-modified-since if-none-match if-range ' +
    'if-unmodified-since last-modified link location max-forwards proxy-authenticate proxy-authorization range ' +
    'referer refresh retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary via ' +
    'www-authenticate'
  )
    .split(' ')
    .map((name): HeaderField => [name, '']),
];

/**
 * RFC 7541, appendix B: how many bits the code of each symbol has, `28x7` for seven in a row. The code is canonical:
 * codes of one length follow each other in the order of their symbols. The last symbol is the end of the string.
 */
const lengthsOfCodes =
  '13 23 28x7 24 30 28x2 30 28x8 30 28x9 6 10x2 12 13 6 8 11 10x2 8 11 8 6x3 5x3 6x7 7 8 15 6 12 10 13 6 7x22 8 7 8 ' +
  '13 19 13 14 6 15 5 6 5 6 5 6x3 5 7x2 6x3 5 6 7 6 5x2 6 7x5 15 11 14 13 28 20 22 20x2 22x3 23 22 23x5 24 23 24x2 ' +
  '22 23 24 23x4 21 22 23 22 23x2 24 22 21 20 22x2 23x2 21 23 22x2 24 21 22 23x2 21x2 22 21 23 22 23x2 20 22x3 23 ' +
  '22x2 23 26x2 20 19 22 23 22 25 26x3 27x2 26 24 25 19 21 26 27x2 26 27 24 21x2 26x2 28 27x3 20 24 20 21 22 21x2 ' +
  '23 22x2 25x2 24x2 26 23 26 27 26x2 27x5 28 27x5 26 30';

export const endOfString = 256;
const longestCode = 30;

export interface CodesOfLength {
  readonly first: number;
  /** In the order of their codes. */
  readonly symbols: readonly number[];
}

/** By the number of bits. */
export const huffmanCodes: readonly CodesOfLength[] = codesByLength();

function codesByLength(): CodesOfLength[] {
  const lengths = lengthsOfCodes.split(' ').flatMap((part) => {
    const [length = 0, count = 1] = part.split('x').map(Number);
    return new Array<number>(count).fill(length);
  });
  const codes: CodesOfLength[] = [];
  let next = 0;
  for (let bits = 0; bits <= longestCode; bits++) {
    const symbols = [...lengths.keys()].filter((symbol) => lengths[symbol] === bits);
    codes.push({ first: next, symbols });
    next = (next + symbols.length) * 2;
  }
  return codes;
}
