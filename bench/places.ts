/** Where scripts/bench.js has put what, as absolute paths. */
export interface Places {
  /** The source's bench folder. */
  readonly source: string;
  /** This program and the processes that it starts, bundled; removed at the end, as all that is written there. */
  readonly bundles: string;
  /** v86.wasm. */
  readonly v86: string;
}
