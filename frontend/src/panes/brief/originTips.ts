import type { MouseEvent } from 'react';

import { ORIGIN_NAMES, type Shares } from '../../editor';

/**
 * Names the origin of a paragraph while the mouse is over its sign in the margin. The sign is drawn
 * by the style sheet and has no title of its own.
 */
export function tellOrigin(event: MouseEvent<HTMLElement>): void {
  const block = event.target instanceof Element ? event.target.closest('[data-origin]') : null;
  const origin = block?.getAttribute('data-origin');
  const isInMargin = block !== null && event.clientX > block.getBoundingClientRect().right;
  const name =
    isInMargin && origin && origin in ORIGIN_NAMES ? ORIGIN_NAMES[origin as keyof Shares] : '';
  if (event.currentTarget.title !== name) event.currentTarget.title = name;
}
