import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { boot } from '../../host/host.ts';
import { compareRecords } from './compare.ts';
import { recordedHost } from './hosts.ts';
import { leftOut } from './leftout.ts';
import { parseRecords, type Recorded } from './record.ts';
import { logText } from './sections/env.ts';

const ORACLE = join(process.cwd(), '../shared/oracle/arm64');
/** Sections in which every record that is compared agrees, on every recorded host. */
const COMPLETE = [
  ...['caps', 'ioctls', 'createvm', 'memslot', 'vcpu', 'init', 'fw', 'enablecap'],
  ...['psci', 'misc', 'reglist', 'regmut', 'guest', 'env'],
];
const config = recordedHost('max-4k-vhe')!;
const record = (sec: string, name: string, args: Recorded['args'], ret: number, errno: string | null): Recorded => ({
  sec,
  case: name,
  args,
  ret,
  errno,
  out: {},
});

describe('records', () => {
  it('passes over lines that are no records', () => {
    const line = '{"sec":"s","case":"c","args":{"a":"0x1"},"ret":-1,"errno":"EINVAL"}';
    const parsed = parseRecords(`# slow\n{"sec":"s"\n[]\n{"sec":1,"case":"c","ret":0}\n${line}\n`);
    expect(parsed).toEqual([record('s', 'c', { a: '0x1' }, -1, 'EINVAL')]);
  });

  it('counts an answer that differs as a difference, and one that agrees as agreeing', () => {
    const [result] = compareRecords(
      [
        record('createvm', 'KVM_CREATE_VM', { type: '0x28' }, 0, null),
        record('createvm', 'KVM_CREATE_VM', { type: '0x1f' }, 0, null),
        record('createvm', 'section_end', {}, 0, null),
      ],
      config,
    );
    expect(result).toMatchObject({ total: 2, agreeing: 1 });
    expect(result?.differences).toMatchObject([{ record: { args: { type: '0x1f' } }, ours: { errno: 'EINVAL' } }]);
  });

  it('leaves out what asks for a feature that the host has not, and nothing else', () => {
    expect(leftOut(record('init', 'INIT_features0', { features0: '0x10' }, 0, null), config)).toBe('SVE');
    expect(leftOut(record('init', 'INIT_features0', { features0: '0x04' }, 0, null), config)).toBeNull();
    expect(compareRecords([record('nowhere', 'case', {}, 0, null)], config)[0]?.leftOut.get('not replayed yet')).toBe(
      1,
    );
  });

  describe.runIf(existsSync(ORACLE))('recorded kernel', () => {
    const files = existsSync(ORACLE) ? readdirSync(ORACLE).filter((file) => file.endsWith('.jsonl.gz')) : [];
    it.each(files)('%s: the boot log says nothing that the kernel did not', (file) => {
      const records = parseRecords(gunzipSync(readFileSync(join(ORACLE, file))).toString());
      const recorded = records.filter((each) => each.case === 'dmesg').map(({ out }) => logText(out.line));
      const { bootLog } = boot(recordedHost(file.replace('.jsonl.gz', ''))!);
      // The probe kept lines about CPU features and KVM.
      const ours = bootLog.map(({ text }) => text).filter((text) => /^CPU features|^kvm/.test(text));
      expect(ours.filter((text) => !recorded.includes(text))).toEqual([]);
    });

    it.each(files)('%s: complete sections agree', (file) => {
      const host = recordedHost(file.replace('.jsonl.gz', ''));
      expect(host).not.toBeNull();
      const records = parseRecords(gunzipSync(readFileSync(join(ORACLE, file))).toString());
      for (const { section, differences } of compareRecords(
        records.filter(({ sec }) => COMPLETE.includes(sec)),
        host!,
      )) {
        expect(differences, section).toEqual([]);
      }
    });
  });
});
