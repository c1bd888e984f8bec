import type { DockviewPanelApi } from 'dockview-react';
import { useLayoutEffect, useState } from 'react';

/**
 * The element in which a panel draws, and whether it is in sight. dockview takes its own element of a panel out of the document
 * when another panel of the group hides it; this one stays in the group, so that nothing is laid out anew when it is shown again.
 * `laidOut`: it is laid out from the beginning, before it is first seen.
 */
export function usePanelPlace(api: DockviewPanelApi, laidOut: boolean): { place: HTMLElement; visible: boolean } {
  const [visible, setVisible] = useState(api.isVisible);
  const [place] = useState(newPlace);
  useLayoutEffect(() => {
    let ahead = laidOut;
    const put = () => {
      const group = api.group.element.querySelector(':scope > .dv-content-container');
      if (place.parentElement !== group) group?.append(place);
      if (api.isVisible) ahead = false;
      place.classList.toggle('ahead', ahead);
      place.classList.toggle('hidden', !ahead && !api.isVisible);
      setVisible(api.isVisible);
    };
    put();
    const listeners = [api.onDidVisibilityChange(put), api.onDidGroupChange(put)];
    return () => {
      for (const listener of listeners) listener.dispose();
      place.remove();
    };
  }, [api, place, laidOut]);
  return { place, visible };
}

function newPlace(): HTMLElement {
  const place = document.createElement('div');
  place.className = 'panel-place';
  return place;
}
