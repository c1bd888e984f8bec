/** The engine in a page's worker: an image in, what was measured out. Times are the wall's. */
import { runImage } from './guest.ts';

/** A worker's global scope, as far as this one uses it. */
interface WorkerScope {
  onmessage: ((message: { readonly data: unknown }) => void) | null;
  postMessage(result: object): void;
}

declare const self: WorkerScope;

self.onmessage = ({ data }) => {
  if (data instanceof Uint8Array)
    self.postMessage(runImage(data, { clock: () => performance.now() / 1000, jit: 'on' }));
};
