import 'dockview-react/dist/styles/dockview.css';
import './theme.css';
import './app.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { keepInStep } from './control.ts';
import { startWorker } from './sandbox-client.ts';
import { slotFromHash, slots } from './slots.ts';
import { followStops } from './stop-panels.ts';
import { flush, lastSlot, openWorkspace } from './workspace.ts';

const wanted = slotFromHash(location.hash);
openWorkspace(slots([wanted, lastSlot()]), wanted);
// A page may go without another word: what is typed must be in storage by then.
addEventListener('pagehide', flush);
document.addEventListener('visibilitychange', flush);

keepInStep();
followStops();
startWorker();
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
