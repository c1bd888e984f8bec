import { Tooltip } from 'radix-ui';
import type { ComponentProps, ReactNode } from 'react';
import './floating.css';
import './parts.css';

/** What a panel says while it has nothing to show: what will be here, and what to do for it. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children ? <div className="empty-hint">{children}</div> : null}
    </div>
  );
}

/** A key combination, as keyboards have it. */
export function Keys({ keys }: { keys: string }) {
  return <kbd>{keys}</kbd>;
}

/** Text that appears on hover and focus. The child must take a ref and be focusable. */
export function Tip({ text, keys, children }: { text: ReactNode; keys?: string | undefined; children: ReactNode }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content className="tip" sideOffset={4} collisionPadding={6}>
          {text} {keys ? <Keys keys={keys} /> : null}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

/** A button that shows only an icon; `label` is its name. */
export function IconButton({
  label,
  keys,
  hint,
  children,
  ...rest
}: { label: string; keys?: string | undefined; hint?: ReactNode } & ComponentProps<'button'>) {
  return (
    <Tip text={hint ?? label} keys={keys}>
      <button type="button" className="icon-button" aria-label={label} {...rest}>
        {children}
      </button>
    </Tip>
  );
}
