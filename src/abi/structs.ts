/** Every structure of KVM's interface that Stage2 knows, by its name in C. */
export * from './structs/arm64.ts';
export * from './structs/generic.ts';
export * from './structs/powerpc.ts';
export * from './structs/run.ts';
export * from './structs/x86.ts';
