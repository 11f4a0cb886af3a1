import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { Shell } from './shell/Shell';

export function show(root: HTMLElement): void {
  createRoot(root).render(
    <StrictMode>
      <Shell />
    </StrictMode>,
  );
}
