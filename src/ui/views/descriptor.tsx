import { memo, useState } from 'react';
import type { DescriptorField, DescriptorView, OtherFormat, TablesOwner } from '../../session/messages.ts';
import { hex } from '../format.ts';
import { useTargetVm } from '../inspect.ts';
import { prose } from '../prose.ts';
import { send, useView } from '../sandbox-client.ts';
import { AddressField } from './address-field.tsx';
import { movedFields } from './bit-ruler.ts';
import { BitStrip, DescriptorBits, highestFirst } from './descriptor-bits.tsx';
import { shortSize } from './format.ts';
import { useGrowth, useLater } from './use-later.ts';

interface DescriptorProps {
  readonly owner: TablesOwner;
  readonly level: number;
  /** Where it stands, as its table says: a PA at stage 2, an IPA at stage 1. */
  readonly address: bigint;
  /** First address that it translates. */
  readonly input: bigint;
  readonly value: bigint;
  /** What it was at the moment compared with. */
  readonly before: bigint | null;
}

/** `vm`: whose IPA the address of a stage 1 descriptor is. */
function write(stage: 1 | 2, vm: number | null, address: bigint, value: bigint): void {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  send({ type: 'poke', space: stage === 2 ? 'pa' : 'ipa', ...(vm === null ? {} : { vm }), address, data });
}

/** A descriptor in memory: its bits, which can be changed, what they say, and the same mapping in the other formats. */
export function Descriptor(props: DescriptorProps) {
  const vm = useTargetVm();
  // Where nothing is known of an earlier moment, an edit is compared with what it began with.
  const [edited, setEdited] = useState<{ readonly address: bigint; readonly from: bigint } | null>(null);
  const asked = { ...props, before: props.before ?? (edited?.address === props.address ? edited.from : null) };
  const view = useView({
    view: 'descriptor',
    ...asked.owner,
    level: asked.level,
    value: asked.value,
    input: asked.input,
    ...(asked.before === null ? {} : { before: asked.before }),
  });
  // Until another descriptor's fields have come, the one before stays, with its own: drawn anew it would be measured twice.
  const [answered, setAnswered] = useState<{ readonly view: DescriptorView; readonly asked: DescriptorProps } | null>(
    null,
  );
  const isAnswer = view?.view === 'descriptor' && view.value === asked.value;
  if (isAnswer && !(answered?.view === view && asksSame(answered.asked, asked))) setAnswered({ view, asked });
  const others = useLater(answered?.view ?? null, OTHERS_AFTER);
  if (!answered) return <p className="view-muted">Reading…</p>;
  const { owner, address, value, before } = answered.asked;
  const { fields, change } = answered.view;
  const edit = (to: bigint) => {
    if (edited?.address !== address) setEdited({ address, from: value });
    write(owner.stage, vm, address, to);
  };
  return (
    <>
      <div className="descriptor-edit">
        <AddressField label="Value" text={hex(value, 16)} about={address} bits={64} action="Write" onGo={edit} />
        <span className="view-muted">A click on a bit changes it in memory; the guest runs on with it.</span>
      </div>
      {change && (
        <p className="view-muted">
          {CHANGE[change.needed]}: {change.why}.
        </p>
      )}
      <DescriptorBits
        value={value}
        fields={fields}
        before={before}
        onFlip={(bit) => edit(value ^ (1n << BigInt(bit)))}
      />
      {others && <OtherFormats view={others} />}
    </>
  );
}

/** What the change since the moment compared with asks of software; an edit here empties the TLBs by itself. */
const CHANGE = {
  nothing: 'Software may change it so and need not tell the TLBs',
  invalidate: 'Software that changes it so owes a TLBI',
  break: 'Software that changes it so needs break-before-make',
} as const;

const asksSame = (a: DescriptorProps, b: DescriptorProps): boolean =>
  a.level === b.level && a.value === b.value && a.input === b.input && a.before === b.before && a.address === b.address;

/** Frames that the ruler and the fields take before the other formats are drawn, one a frame. */
const OTHERS_AFTER = 3;

const OtherFormats = memo(function OtherFormats({ view: { others, fields } }: { view: DescriptorView }) {
  const grown = useGrowth(others.length);
  if (others.length === 0) return null;
  return (
    <section className="descriptor-others" aria-label="The same mapping in other formats">
      <h4>The same mapping in other formats</h4>
      <ul>
        {others.slice(0, grown).map((other) => (
          <Other key={other.format} other={other} own={fields} />
        ))}
      </ul>
    </section>
  );
});

const Other = memo(function Other({ other, own }: { other: OtherFormat; own: readonly DescriptorField[] }) {
  if (!other.ok) {
    return (
      <li>
        <p>
          <b>{other.format}</b> <span className="view-muted">can’t have it: {prose(other.why)}.</span>
        </p>
      </li>
    );
  }
  const moved = movedFields(own, other.fields);
  return (
    <li>
      <p>
        <b>{other.format}</b> <code>{hex(other.value, 16)}</code>{' '}
        <span className="view-muted">
          level {other.level}, {shortSize(other.size)}
          {other.notes.map((note) => ` · ${note}`)}
        </span>
      </p>
      <BitStrip
        value={other.value}
        fields={other.fields}
        names={[...highestFirst(own), ...other.fields].map(({ name }) => name)}
        moved={new Set(moved.map(({ name }) => name))}
        label={`Bits of ${hex(other.value, 16)} in the format ${other.format}`}
      />
      <p className="view-muted descriptor-moved">
        {moved.length === 0
          ? 'Every bit where it is here.'
          : moved
              .map(({ name, bits, here }) => `${name} at ${bits}${here === null ? '' : ` (here ${here})`}`)
              .join(' · ')}
      </p>
    </li>
  );
});
