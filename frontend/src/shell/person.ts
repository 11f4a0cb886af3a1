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

// Who has said no name is told apart by one of these: short, and easy to say across a table.
const BIRDS = [
  'Avocet',
  'Bittern',
  'Crane',
  'Dipper',
  'Egret',
  'Falcon',
  'Goldfinch',
  'Heron',
  'Ibis',
  'Jay',
  'Kestrel',
  'Lapwing',
  'Magpie',
  'Nuthatch',
  'Osprey',
  'Plover',
  'Quail',
  'Robin',
  'Starling',
  'Tern',
  'Wagtail',
  'Wren',
];

/** Who sits at this browser: a name that can be changed, and a colour and id that stay. */
export function currentPerson(): Required<Person> {
  const stored = recall<Partial<Required<Person>>>('person', {});
  // "You" is what everyone was called who came before guests had names.
  if (stored.id && stored.color && stored.name && stored.name !== 'You') {
    return { id: stored.id, color: stored.color, name: stored.name };
  }
  const random = crypto.getRandomValues(new Uint32Array(2));
  const id = stored.id ?? Array.from(random, (n) => n.toString(16)).join('');
  const person = {
    id,
    color: stored.color ?? COLORS[(random[0] ?? 0) % COLORS.length] ?? '#2c6fbb',
    name: guestName(id),
  };
  remember('person', person);
  return person;
}

/** Changes the name; an empty one makes a guest again. */
export function renamePerson(name: string): Required<Person> {
  const { id, color } = currentPerson();
  const person = { id, color, name: name.trim() || guestName(id) };
  remember('person', person);
  return person;
}

/** "Guest Heron": the same for the same browser. */
export function guestName(id: string): string {
  let sum = 0;
  for (const character of id) sum = (sum * 31 + character.charCodeAt(0)) % 9973;
  return `Guest ${BIRDS[sum % BIRDS.length]}`;
}
