/** Where a person stands: what the page's address says and nothing else. */

export const LEFT_TABS = ['ask', 'sources', 'graph', 'reader'] as const;
export const RIGHT_TABS = ['claims', 'comments', 'suggestions', 'history', 'ship'] as const;

export type LeftTab = (typeof LEFT_TABS)[number];
export type RightTab = (typeof RIGHT_TABS)[number];

/** The one thing selected in all panes. `at` is a place in a source version, in code points. */
export type Selected =
  | { kind: 'cite'; id: string }
  | { kind: 'claim'; id: string }
  | { kind: 'block'; id: string }
  | { kind: 'comment'; id: string }
  | { kind: 'at'; source: string; version: string; start: number; end: number };

export interface Place {
  space: string | null;
  brief: string | null;
  left: LeftTab;
  right: RightTab;
  sel: Selected | null;
}

export const NOWHERE: Place = {
  space: null,
  brief: null,
  left: 'ask',
  right: 'claims',
  sel: null,
};

const PATH = /^\/s\/([^/]+)(?:\/b\/([^/]+))?\/?$/;
const AT = /^([^.]+)\.([^.]+)\.(\d+)-(\d+)$/;

function oneOf<T extends string>(known: readonly T[], value: string | null, otherwise: T): T {
  return known.find((item) => item === value) ?? otherwise;
}

export function parseSelected(text: string | null): Selected | null {
  if (!text) return null;
  const colon = text.indexOf(':');
  const kind = text.slice(0, colon);
  const id = text.slice(colon + 1);
  if (colon < 1 || !id) return null;
  switch (kind) {
    case 'cite':
    case 'claim':
    case 'block':
    case 'comment':
      return { kind, id };
    case 'at': {
      const [, source, version, start, end] = AT.exec(id) ?? [];
      if (!source || !version || !start || !end || Number(start) > Number(end)) return null;
      return { kind, source, version, start: Number(start), end: Number(end) };
    }
    default:
      return null;
  }
}

export function formatSelected(sel: Selected): string {
  return sel.kind === 'at'
    ? `at:${sel.source}.${sel.version}.${sel.start}-${sel.end}`
    : `${sel.kind}:${sel.id}`;
}

/** Anything the address does not say, or says wrongly, is read as its default. */
export function parsePlace(pathname: string, search: string): Place {
  const [, space, brief] = PATH.exec(pathname) ?? [];
  const query = new URLSearchParams(search);
  return {
    space: space ? decode(space) : null,
    brief: brief ? decode(brief) : null,
    left: oneOf(LEFT_TABS, query.get('left'), NOWHERE.left),
    right: oneOf(RIGHT_TABS, query.get('right'), NOWHERE.right),
    sel: parseSelected(query.get('sel')),
  };
}

function decode(part: string): string | null {
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** The address of a place; defaults are left out, so the plain address stays short. */
export function formatPlace(place: Place): string {
  if (!place.space) return '/';
  const path = place.brief
    ? `/s/${encodeURIComponent(place.space)}/b/${encodeURIComponent(place.brief)}`
    : `/s/${encodeURIComponent(place.space)}`;
  const query = new URLSearchParams();
  if (place.left !== NOWHERE.left) query.set('left', place.left);
  if (place.right !== NOWHERE.right) query.set('right', place.right);
  if (place.sel) query.set('sel', formatSelected(place.sel));
  // A colon is legal in a query and keeps the address readable.
  const text = query.toString().replaceAll('%3A', ':');
  return text ? `${path}?${text}` : path;
}

export function sameSelected(a: Selected | null, b: Selected | null): boolean {
  if (a === null || b === null) return a === b;
  return formatSelected(a) === formatSelected(b);
}
