/** Every node that stands for a block and therefore carries an id. */
export const BLOCKS = [
  'paragraph',
  'heading',
  'bulletList',
  'orderedList',
  'listItem',
  'blockquote',
  'codeBlock',
  'horizontalRule',
  'table',
  'tableRow',
  'tableHeader',
  'tableCell',
  'image',
  'action',
] as const;

/** The shared fragment the blocks live in. */
export const FIELD = 'body';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz0123456789';
// The largest multiple of the alphabet's size in a byte: above it the first letters would be favoured.
const FAIR = 252;

/** Ten characters of [a-z0-9]: about 52 bits, so a million blocks collide with a chance of 1 in 7,000. */
export function newBlockId(): string {
  let id = '';
  while (id.length < 10)
    for (const byte of crypto.getRandomValues(new Uint8Array(16)))
      if (byte < FAIR && id.length < 10) id += ALPHABET.charAt(byte % ALPHABET.length);
  return id;
}

/** Only pictures the server stored are shown: any other address would tell a stranger who reads. */
export function isOwnImage(src: unknown): src is string {
  return typeof src === 'string' && /^\/api\/images\/[A-Za-z0-9_-]+$/.test(src);
}
