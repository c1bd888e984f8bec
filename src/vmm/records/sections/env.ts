import type { Section } from './section.ts';

/** A line of the kernel's log without its level and its time. */
export const logText = (line: unknown): string => String(line).replace(/^<\d+>\[ *\d+\.\d+\] /, '');

/** The recorded machine: what its kernel said at boot, and what it told a program of itself. */
export const env: Section = ({ host, pageSize }) => {
  const { bootLog, kvm } = host;
  return {
    env: () => ({
      ret: 0,
      errno: null,
      out: { pagesize: pageSize, ncpu: kvm.host.cpus },
      // Of the build and of programs at EL0, which our host has none of.
      unasked: ['release', 'version', 'cmdline', 'user_mrs_ID_AA64MMFR0', 'user_mrs_ID_AA64MMFR1'],
    }),
    dmesg: ({ out }) => {
      const text = logText(out.line);
      const said = bootLog.find((line) => line.text === text);
      return { ret: 0, errno: null, ...(said && { out: { line: out.line ?? '' } }) };
    },
  };
};
