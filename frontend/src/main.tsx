import './ui/theme.css';

import { getPlace } from './desk';
import { openEarly } from './shell/early';
import { applyTheme, storedTheme } from './ui/theme';

applyTheme(storedTheme());

const { brief } = getPlace();
if (brief) openEarly(brief);

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no element with the id "root".');
const { show } = await import('./page');
show(root);
