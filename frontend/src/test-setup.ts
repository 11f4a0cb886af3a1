import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';

afterEach(cleanup);

// jsdom lays nothing out; these are what the components ask of a real browser.
const nothing = () => undefined;

class StillObserver {
  observe = nothing;
  unobserve = nothing;
  disconnect = nothing;
}

Object.assign(Element.prototype, {
  scrollIntoView: nothing,
  scrollTo: nothing,
  hasPointerCapture: () => false,
});
Object.assign(globalThis, { ResizeObserver: StillObserver });
