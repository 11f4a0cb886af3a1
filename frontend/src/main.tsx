import './ui/theme.css';

import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';

import { Shell } from './shell/Shell';
import { applyTheme, storedTheme } from './ui/theme';

applyTheme(storedTheme());

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element with the id "root".');
createRoot(root).render(
  <StrictMode>
    <Shell />
  </StrictMode>,
);
