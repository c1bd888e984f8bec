import { useState } from 'react';
import type { MemoryMapView } from '../../session/messages.ts';
import { hex } from '../format.ts';
import { showMemory, useTargetVm } from '../inspect.ts';
import { Empty } from '../parts.tsx';
import { useView } from '../sandbox-client.ts';
import { addressDigits, plural, sentence, shortSize } from './format.ts';
import { Frame, Waiting } from './frame.tsx';
import { compressGaps } from './gap-compression.ts';
import { TargetPicker } from './target-picker.tsx';
import './memory-map.css';

/** A VM may have 32767 slots; a page is no place for all of them at once. */
const REGIONS_AT_ONCE = 200;
const SIZES = { gap: 30, region: 34, perDoubling: 2 } as const;

export function MemoryMapPanel() {
  const vm = useTargetVm();
  const view = useView(vm === null ? null : { view: 'memoryMap', vm });
  return (
    <Frame name="memory-map" bar={<TargetPicker />}>
      {vm === null ? (
        <NoMap why="There is no VM yet." />
      ) : view === null ? (
        <Waiting />
      ) : view.view === 'nothing' ? (
        <NoMap why={sentence(view.why)} />
      ) : (
        <MemoryMap
          view={view}
          onMemory={(ipa) => showMemory('ipa', ipa)}
          onProcessMemory={(hva) => showMemory('hva', hva)}
        />
      )}
    </Frame>
  );
}

function NoMap({ why }: { why: string }) {
  return (
    <Empty title={why}>
      The VM’s guest physical (IPA) space appears here: the memory slots that KVM_SET_USER_MEMORY_REGION makes, what
      devices claim, and how much of each slot stage 2 maps by now.
    </Empty>
  );
}

type Region = MemoryMapView['regions'][number];

interface MemoryMapProps {
  readonly view: MemoryMapView;
  /** Shows bytes at an IPA, or at an address of the VMM's process. */
  readonly onMemory: (ipa: bigint) => void;
  readonly onProcessMemory: (hva: bigint) => void;
}

export function MemoryMap({ view, onMemory, onProcessMemory }: MemoryMapProps) {
  const [marked, setMarked] = useState<number | null>(null);
  const [most, setMost] = useState(REGIONS_AT_ONCE);
  const regions = view.regions.slice(0, most);
  const hidden = view.regions.slice(most);
  const end = 1n << BigInt(view.ipaBits);
  const stretches = compressGaps(regions, hidden[0]?.base ?? end, SIZES);
  const last = stretches.at(-1);
  const digits = addressDigits(regions.at(-1)?.base ?? 0n);
  return (
    <div className="map">
      <div className="map-drawing" style={{ height: (last ? last.at + last.length : 0) + 1 }} aria-hidden="true">
        {stretches.map((stretch) => {
          const region = stretch.index === null ? null : regions[stretch.index];
          return (
            <div
              key={hex(stretch.base)}
              className="map-stretch"
              data-kind={region?.kind ?? 'gap'}
              data-marked={stretch.index !== null && stretch.index === marked}
              style={{ top: stretch.at, height: stretch.length }}
              onPointerEnter={() => setMarked(stretch.index)}
              onPointerLeave={() => setMarked(null)}
            >
              <span className="map-edge">{hex(stretch.base)}</span>
              <span className="map-box">
                {region && <MappedBar region={region} />}
                <span className="map-label">
                  {region ? region.name : 'MMIO exits'} <span className="view-muted">{shortSize(stretch.size)}</span>
                </span>
              </span>
            </div>
          );
        })}
        <div className="map-limit" data-more={hidden.length > 0} style={{ top: last ? last.at + last.length : 0 }}>
          <span className="map-edge">{hex(hidden[0]?.base ?? end)}</span>
          <span className="map-limit-text">
            {hidden.length > 0 ? `${hidden.length} more` : `IPA limit, ${view.ipaBits} bits`}
          </span>
        </div>
      </div>
      <div className="map-list">
        <table>
          <caption className="view-hidden">Regions of the IPA space</caption>
          <thead>
            <tr>
              <th scope="col">Region</th>
              <th scope="col">Base</th>
              <th scope="col">Size</th>
              <th scope="col">Mapped</th>
              <th scope="col">userspace_addr</th>
              <th scope="col">Flags</th>
            </tr>
          </thead>
          <tbody>
            {regions.map((region, index) => (
              <tr
                key={hex(region.base)}
                data-kind={region.kind}
                data-marked={index === marked}
                onPointerEnter={() => setMarked(index)}
                onPointerLeave={() => setMarked(null)}
              >
                <th scope="row">
                  <span className="map-swatch" aria-hidden="true" />
                  {region.name}
                </th>
                <td data-label="Base">
                  <Bytes at={region.base} digits={digits} onShow={onMemory} />
                </td>
                <td data-label="Size">{shortSize(region.size)}</td>
                <td data-label="Mapped">{mappedText(region)}</td>
                <td data-label="userspace_addr">
                  {region.userspaceAddress !== null && <Bytes at={region.userspaceAddress} onShow={onProcessMemory} />}
                </td>
                <td data-label="Flags" className="map-flags">
                  {region.flags.join(' ')}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {hidden.length > 0 && (
          <p className="view-note">
            {regions.length} of {plural(view.regions.length, 'region')} are shown.{' '}
            <button type="button" className="view-button" onClick={() => setMost(most * 4)}>
              Show more
            </button>
          </p>
        )}
        {regions.length === 0 && (
          <p className="view-note">No memory slot yet: KVM_SET_USER_MEMORY_REGION gives the VM memory.</p>
        )}
        <p className="view-note">
          A load or store outside of every region leaves KVM_RUN with KVM_EXIT_MMIO; a fetch aborts. The space ends at{' '}
          {hex(end)} ({view.ipaBits} bits): KVM refuses a slot that reaches beyond it.
        </p>
      </div>
    </div>
  );
}

/** An address that leads to its bytes. */
function Bytes({ at, digits = 0, onShow }: { at: bigint; digits?: number; onShow: (address: bigint) => void }) {
  return (
    <button type="button" className="view-link" title="Show bytes" onClick={() => onShow(at)}>
      {hex(at, digits)}
    </button>
  );
}

/** How much of a slot stage 2 maps, as a bar; a mapped page is never too little to see. */
function MappedBar({ region }: { region: Region }) {
  if (region.kind !== 'slot' || region.mapped === 0n) return null;
  const share = Number((region.mapped * 1000n) / region.size) / 10;
  return <span className="map-mapped" style={{ inlineSize: `max(3px, ${share}%)` }} />;
}

function mappedText({ kind, mapped, size: bytes }: Region): string {
  if (kind !== 'slot') return '';
  if (mapped === 0n) return 'nothing';
  return mapped >= bytes ? 'all' : shortSize(mapped);
}
