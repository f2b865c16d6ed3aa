import { randomInt } from 'node:crypto';
import { invalidName } from './container-errors.ts';

/** A name as clients give it, with or without its leading slash, to the form records keep. */
export function parseContainerName(text: string): string {
  const name = text.startsWith('/') ? text.slice(1) : text;
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) throw invalidName(text);
  return name;
}

/** A free `adjective_surname`; a digit is added once the plain ones are hard to find. */
export function generateName(isTaken: (name: string) => boolean): string {
  for (let attempt = 0; ; attempt++) {
    const name = `${pick(adjectives)}_${pick(surnames)}${attempt < 6 ? '' : randomInt(10 ** Math.min(attempt - 5, 9))}`;
    if (!isTaken(name)) return name;
  }
}

function pick(words: readonly string[]): string {
  return words[randomInt(words.length)]!;
}

const adjectives = (
  'able airy alert ample amused apt arctic awake balmy blithe bold brave breezy bright brisk calm candid careful ' +
  'cheery civil clear clever cordial cosy crisp curious daring deft dapper deep eager early earnest easy elated ' +
  'even fair fancy fearless festive fine fleet fluent fond frank free fresh gallant gentle gleeful golden good ' +
  'grand great happy hardy hasty hearty honest hopeful humble ideal jolly jovial just keen kind large lasting ' +
  'lively loyal lucid lucky mellow merry mighty mild modest neat nimble noble novel open orderly patient placid ' +
  'plucky polite prime proud quick quiet ready regal robust rosy sage salty sandy serene sharp silent silver ' +
  'simple sleek smart snug sober solid spry stable steady stellar stout sunny sure swift tacit tall tender tidal ' +
  'tidy timely tranquil trim trusty upbeat valiant vast vivid warm wary wise witty young zealous zesty'
).split(' ');

/** Seafarers, shipwrights, mapmakers, and people of the computing sciences. */
const surnames = (
  'ada aiken amundsen anning atanasoff babbage backus baffin barents bartik batten beaufort bellman bering ' +
  'bougainville bowditch boyd brunel cabot cartier chaplin chappe chichester church cochran codd columbus conway ' +
  'cook coriolis dampier davidson davis dijkstra drake earhart eckert edgerton engelbart estrin euler floyd ' +
  'forester franklin frobisher froude fuchs gama gilbert goldberg gray halley hamilton hamming harrison hawkins ' +
  'henry heyerdahl hoare hollerith holberton hopper hudson humboldt huygens iverson kelvin kilby knuth kruskal ' +
  'kuck lamarr laplace lamport lovelace magellan maury mauchly mccarthy mercator milner minsky moitessier ' +
  'napier nansen naur nelson newell noether nygaard parry pascal peary perlis piccard pytheas raleigh ritchie ' +
  'ross scott semmes shackleton shannon shaw slocum smeaton somerville stibitz stokes strachey tabarly tasman ' +
  'tharp torvald turing vancouver vespucci wallis watt wegener whymper wiener wilkes wilkinson wirth zuse'
).split(' ');
