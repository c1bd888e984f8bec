/** The entry of a worker that runs sandboxes to their end and checks them: what the page's boot matrix does. */
import wasmLocation from '@jitl/quickjs-wasmfile-release-sync/wasm?url';
import { Checker, failureOf } from './checked.ts';
import type { CheckAnswer, CheckRequest } from './types.ts';

interface WorkerScope {
  onmessage: ((message: { readonly data: CheckRequest }) => void) | null;
  postMessage(answer: CheckAnswer): void;
}

declare const self: WorkerScope;

/** Sandboxes of one worker share a session: what is the same for all is made once. */
const checker = Checker.create({ wasmLocation });

async function run({ id, checked }: CheckRequest): Promise<void> {
  const start = performance.now();
  const failure = await checker.then((ready) => failureOf(ready.run(checked))).catch(String);
  self.postMessage({ id, failure, milliseconds: performance.now() - start });
}

let last: Promise<void> = Promise.resolve();

self.onmessage = ({ data }) => {
  last = last.then(() => run(data));
};
