/** What browsers' V8 does without being asked: hints at unlikely branches, and multiply-adds that round once where the host has them. */
import v8 from 'node:v8';

v8.setFlagsFromString('--experimental-wasm-branch-hinting');
v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
