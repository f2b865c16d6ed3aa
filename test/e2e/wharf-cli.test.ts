import { describe } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { clientCases } from './client-cases.ts';

const engine = useDaemon();

describe('wharf', () => {
  clientCases(engine, 'wharf');
});
