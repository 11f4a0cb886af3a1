import { beforeEach, describe, expect, it } from 'vitest';

import { remember } from '../desk';
import { currentPerson, guestName, renamePerson } from './person';

beforeEach(() => localStorage.clear());

describe('who sits at this browser', () => {
  it('is a guest by a name of their own, and stays that guest', () => {
    const first = currentPerson();
    expect(first.name).toMatch(/^Guest [A-Z][a-z]+$/);
    expect(currentPerson()).toEqual(first);
    const others = new Set(Array.from({ length: 50 }, (_, n) => guestName(`${n}f3a9`)));
    expect(others.size).toBeGreaterThan(10);
  });

  it('keeps the name they chose, and is a guest again without one', () => {
    const guest = currentPerson();
    expect(renamePerson(' Ana ')).toEqual({ ...guest, name: 'Ana' });
    expect(currentPerson().name).toBe('Ana');
    expect(renamePerson('  ')).toEqual(guest);
  });

  it('is no longer called You, as everyone once was', () => {
    remember('person', { id: 'a1', color: '#123456', name: 'You' });
    expect(currentPerson()).toEqual({ id: 'a1', color: '#123456', name: guestName('a1') });
  });
});
