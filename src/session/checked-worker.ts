/** The entry of a worker that runs sandboxes to their end and checks them: what the page's boot matrix does. */
import wasmLocation from '@jitl/quickjs-wasmfile-release-sync/wasm?url';
import { failureOf, runChecked } from './checked.ts';
import type { CheckAnswer, CheckRequest } from './types.ts';

interface WorkerScope {
  onmessage: ((message: { readonly data: CheckRequest }) => void) | null;
  postMessage(answer: CheckAnswer): void;
}

declare const self: WorkerScope;

let last: Promise<void> = Promise.resolve();

async function run({ id, checked }: CheckRequest): Promise<void> {
  const start = performance.now();
  const failure = await runChecked(checked, { wasmLocation }).then(failureOf, String);
  self.postMessage({ id, failure, milliseconds: performance.now() - start });
}

self.onmessage = ({ data }) => {
  last = last.then(() => run(data));
};
