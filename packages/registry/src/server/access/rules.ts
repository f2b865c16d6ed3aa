import type { RepositoryName } from '../names.ts';
import type { Action } from './access-control.ts';
import { parseRepositoryPattern, type RepositoryPattern } from './repository-pattern.ts';

/** Grants actions on repositories to people. What no rule grants is refused. */
export interface Rule {
  readonly repositories: string;
  /** `*` is everybody who logged in. */
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
  /** Those who did not log in, too. */
  readonly anonymous?: boolean;
  readonly actions: readonly Action[];
}

export interface Person {
  /** Undefined for somebody who did not log in. */
  readonly name: string | undefined;
  readonly groups: readonly string[];
}

interface CompiledRule {
  readonly rule: Rule;
  readonly matches: RepositoryPattern;
}

export class Rules {
  readonly #rules: readonly CompiledRule[];

  constructor(rules: readonly Rule[]) {
    this.#rules = rules.map((rule) => ({ rule, matches: parseRepositoryPattern(rule.repositories) }));
  }

  allow(person: Person, repository: RepositoryName, action: Action): boolean {
    return this.#rules.some(
      ({ rule, matches }) => rule.actions.includes(action) && appliesTo(rule, person) && matches(repository),
    );
  }
}

function appliesTo({ users = [], groups = [], anonymous = false }: Rule, person: Person): boolean {
  if (anonymous) return true;
  const { name } = person;
  if (name === undefined) return false;
  return users.includes('*') || users.includes(name) || groups.some((group) => person.groups.includes(group));
}

/** Where nobody wrote rules: who logs in may do anything, and others read if that is wanted. */
export function defaultRules(anonymousPull: boolean): Rule[] {
  return [
    { repositories: '**', users: ['*'], actions: ['pull', 'push', 'delete'] },
    ...(anonymousPull ? [{ repositories: '**', anonymous: true, actions: ['pull'] as const }] : []),
  ];
}
