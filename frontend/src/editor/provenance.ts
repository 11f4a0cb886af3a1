import type { Node } from '@tiptap/pm/model';

/** Where the words of a block come from; a block that does not say is of unknown origin. */
export type Origin = 'human' | 'ai' | 'ai-edited' | 'imported';

/** What carries an origin: the blocks whose words are written in them. */
export const WRITTEN = ['paragraph', 'heading', 'codeBlock', 'action'] as const;

/**
 * The most machine-made first. "Unknown" stands above "human", so that no more of a text is called
 * a person's than is known to be.
 */
const MACHINE_MADE: readonly (Origin | null)[] = ['ai', 'ai-edited', 'imported', null, 'human'];

export function isOrigin(value: unknown): value is Origin {
  return typeof value === 'string' && (MACHINE_MADE as readonly unknown[]).includes(value);
}

export function originOf(node: Node): Origin | null {
  const value: unknown = node.attrs.origin;
  return isOrigin(value) ? value : null;
}

/**
 * The origin of a block with words of all of these. It is `ai` only while every word is a model's:
 * beside anybody else's they are `ai-edited`.
 */
export function blend(origins: ReadonlySet<Origin | null>): Origin | null {
  const most = MACHINE_MADE.find((one) => origins.has(one)) ?? null;
  return most === 'ai' && origins.size > 1 ? 'ai-edited' : most;
}

/** How many words of a text are of which origin. */
export type Shares = Readonly<Record<Origin | 'unknown', number>>;

export const NO_WORDS: Shares = { human: 0, ai: 0, 'ai-edited': 0, imported: 0, unknown: 0 };

export const ORIGIN_NAMES: Readonly<Record<Origin | 'unknown', string>> = {
  human: 'Written by people',
  ai: 'AI, accepted by a person',
  'ai-edited': 'AI, then edited',
  imported: 'Imported or pasted',
  unknown: 'Unknown',
};
