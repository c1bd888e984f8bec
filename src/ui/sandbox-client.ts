import { useContext, useEffect, useId, useState } from 'react';
import { MESSAGE_VERSION } from '../session/messages.ts';
import type { Command, Query, SentEvent, View } from '../session/messages.ts';
import { drawWaiting, forgetAnswer, forgetIncoming, takeIn } from './incoming.ts';
import { PanelVisible } from './panel-visible.ts';
import { INITIAL_STATE, receive, sandboxStore, startRun, useSandbox } from './store.ts';

/** The view that answers a query; 'nothing' where it has no answer now. */
export type ViewOf<Q extends Query> = Extract<View, { view: Q['view'] }> | Extract<View, { view: 'nothing' }>;

let worker: Worker | null = null;
const watches = new Map<string, Query>();

function died(why: string): void {
  heard();
  worker?.terminate();
  worker = null;
  forgetIncoming();
  sandboxStore.setState({ worker: 'dead', workerError: why });
}

/** Starts the worker, or starts it anew; every watched query is asked again. */
export function startWorker(): void {
  heard();
  worker?.terminate();
  forgetIncoming();
  const { notices } = sandboxStore.getState();
  sandboxStore.setState({ ...INITIAL_STATE, notices });
  const started = new Worker(new URL('../session/worker.ts', import.meta.url), { type: 'module', name: 'stage2' });
  worker = started;
  started.onmessage = (message: MessageEvent<SentEvent>) => {
    if (worker !== started) return;
    heard();
    const event = message.data;
    if (event.type === 'ready') {
      if (event.version !== MESSAGE_VERSION) {
        died(`the page speaks version ${MESSAGE_VERSION}, the worker ${event.version}: reload the page`);
        return;
      }
      for (const [id, query] of watches) started.postMessage({ type: 'watch', id, query } satisfies Command);
      receive([event]);
      return;
    }
    if ('id' in event && !watches.has(event.id)) return;
    takeIn(event);
  };
  started.onerror = (error) => {
    error.preventDefault();
    if (worker === started) died(error.message || 'the worker could not be loaded');
  };
  started.onmessageerror = () => {
    if (worker === started) died('a message from the worker could not be read');
  };
}

/** Commands that are answered at once, whatever runs; their answer not coming means that nothing works any more. */
const ANSWERED: ReadonlySet<Command['type']> = new Set(['load', 'pause', 'stop']);
const SILENT_AFTER_MS = 4000;
let silence: ReturnType<typeof setTimeout> | undefined;

function heard(): void {
  clearTimeout(silence);
  silence = undefined;
  if (sandboxStore.getState().silent) sandboxStore.setState({ silent: false });
}

/** Sends a command to the sandbox; where there is none, nothing happens and the person has been told so. */
export function send(command: Command): void {
  if (!worker) return;
  if (command.type === 'load') {
    drawWaiting();
    startRun();
  }
  if (ANSWERED.has(command.type)) {
    silence ??= setTimeout(() => sandboxStore.setState({ silent: true }), SILENT_AFTER_MS);
  }
  worker.postMessage(command);
}

function watch(id: string, query: Query): () => void {
  watches.set(id, query);
  if (sandboxStore.getState().worker === 'ready') send({ type: 'watch', id, query });
  return () => {
    watches.delete(id);
    // One that only asks something else begins again at once, and goes on from the answer that it has.
    queueMicrotask(() => {
      if (watches.has(id)) return;
      forgetAnswer(id);
      if (sandboxStore.getState().worker === 'ready') send({ type: 'unwatch', id });
    });
  };
}

/** A query as text, so that equal queries are recognised; bigint has no JSON. */
function queryKey(query: Query | null): string {
  return JSON.stringify(query, (_, value: unknown) => (typeof value === 'bigint' ? `0x${value.toString(16)}` : value));
}

/**
 * The latest answer to a query, kept up to date while the panel is visible: hidden ones don't watch; null until the first answer.
 * The answer before stays while a changed query waits for its own. `query` null asks nothing.
 */
export function useView<Q extends Query>(query: Q | null): ViewOf<Q> | null {
  const id = useId();
  const visible = useContext(PanelVisible);
  const key = queryKey(query);
  // The same question is not asked twice because its object is new.
  const [asked, setAsked] = useState({ key, query });
  if (asked.key !== key) setAsked({ key, query });
  const question = asked.query;
  useEffect(() => (question && visible ? watch(id, question) : undefined), [id, question, visible]);
  const view = useSandbox((state) => state.views[id]);
  return query && view && answers(query, view) ? view : null;
}

function answers<Q extends Query>(query: Q, view: View): view is ViewOf<Q> {
  return view.view === query.view || view.view === 'nothing';
}
