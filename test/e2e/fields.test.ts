import { describe, test } from 'node:test';
import { useDaemon } from '../harness/fixture.ts';
import { configCases } from './field-cases/config.ts';
import type { FieldCase } from './field-cases/field-case.ts';
import { hostConfigCases } from './field-cases/host-config.ts';
import { endpointCases, mountCases } from './field-cases/mounts.ts';
import { resourceCases } from './field-cases/resources.ts';

const engine = useDaemon();

/** Set a field, and look for its effect: inside a container, in the kernel, or in the daemon's refusal. */
function check(title: string, fields: Readonly<Record<string, readonly FieldCase[]>>): void {
  describe(title, () => {
    for (const [field, cases] of Object.entries(fields)) {
      for (const { name, skip = false, run } of cases) test(`${field}: ${name}`, { skip }, () => run(engine));
    }
  });
}

check('Config', configCases);
check('HostConfig: resources', resourceCases);
check('HostConfig', hostConfigCases);
check('Mount', mountCases);
check('EndpointSettings', endpointCases);
