/** Icons of 16 by 16: shapes filled with the text's colour. */
const SHAPES = {
  run: 'M4 2.5v11l9-5.5z',
  pause: 'M4 3h3v10H4zM9 3h3v10H9z',
  stop: 'M3.5 3.5h9v9h-9z',
  restart:
    'M8 2.5a5.5 5.5 0 1 0 5.5 5.5H12A4 4 0 1 1 8 4c1.1 0 2.1.45 2.83 1.17L9 7h4.5V2.5l-1.6 1.6A5.5 5.5 0 0 0 8 2.5z',
  stepInstruction:
    'M7.25 1.5h1.5v5.2l1.9-1.9 1.05 1.05L8 9.55 4.3 5.85 5.35 4.8l1.9 1.9zM8 11a2 2 0 1 1 0 4 2 2 0 0 1 0-4z',
  stepIoctl:
    'M1.75 8.5A6.25 6.25 0 0 1 13 4.72V2h1.5v5.5H9V6h3.1A4.75 4.75 0 0 0 3.25 8.5zM8 10.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4z',
  stepExit: 'M7.25 9.5h1.5V4.3l1.9 1.9 1.05-1.05L8 1.45l-3.7 3.7L5.35 6.2l1.9-1.9zM8 11a2 2 0 1 1 0 4 2 2 0 0 1 0-4z',
  menu: 'M2 3.5h12V5H2zM2 7.25h12v1.5H2zM2 11h12v1.5H2z',
  help: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zm0 1.4a5.1 5.1 0 1 1 0 10.2A5.1 5.1 0 0 1 8 2.9zM7.3 11h1.4v1.4H7.3zM8 3.9c-1.5 0-2.5.9-2.6 2.3h1.4c.1-.7.5-1.1 1.2-1.1s1.1.4 1.1 1c0 .5-.2.8-.9 1.2-.8.5-1 1-.9 2.2v.3h1.3v-.3c0-.7.2-1 .9-1.4.7-.5 1.1-1.1 1.1-2 0-1.3-1-2.2-2.6-2.2z',
  chevron: 'M3.7 5.6 8 9.9l4.3-4.3 1 1L8 11.9 2.7 6.6z',
  close: 'm3.8 2.8 4.2 4.2 4.2-4.2 1 1L9 8l4.2 4.2-1 1L8 9l-4.2 4.2-1-1L7 8 2.8 3.8z',
  check: 'm6.4 12.2-4-4 1-1 3 3 6.2-6.3 1 1z',
  plus: 'M7.25 2.5h1.5v4.75h4.75v1.5H8.75v4.75h-1.5V8.75H2.5v-1.5h4.75z',
  maximize: 'M3 3h10v10H3zm1.3 1.3v7.4h7.4V4.3z',
  restore: 'M2.5 5.5h8v8h-8zm1.3 1.3v5.4h5.4V6.8zM5.5 2.5h8v8h-1.3V3.8H5.5z',
} as const;

export type IconName = keyof typeof SHAPES;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d={SHAPES[name]} fill="currentColor" />
    </svg>
  );
}
