/** Numbers as an engineer writes them. */
export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
