import type { Person } from '../session';
import { recall, remember } from '../desk';

const COLORS = [
  '#b4532a',
  '#2c6fbb',
  '#7a4fb5',
  '#217a5b',
  '#a83a6d',
  '#8a6a12',
  '#3d6b8f',
  '#7d4a3a',
];

/** Who sits at this browser: a name that can be changed, and a colour and id that stay. */
export function currentPerson(): Required<Person> {
  const stored = recall<Partial<Required<Person>>>('person', {});
  if (stored.id && stored.color && stored.name) {
    return { id: stored.id, color: stored.color, name: stored.name };
  }
  const random = crypto.getRandomValues(new Uint32Array(2));
  const person = {
    id: Array.from(random, (n) => n.toString(16)).join(''),
    color: COLORS[(random[0] ?? 0) % COLORS.length] ?? '#2c6fbb',
    name: 'You',
  };
  remember('person', person);
  return person;
}

export function renamePerson(name: string): Required<Person> {
  const person = { ...currentPerson(), name };
  remember('person', person);
  return person;
}
