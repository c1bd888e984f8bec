import { Dialog } from 'radix-ui';
import { COMMANDS } from './commands.ts';
import type { UiCommand } from './commands.ts';
import { useDialog } from './dialogs.ts';
import { Icon } from './icons.tsx';
import { Keys } from './parts.tsx';
import './help.css';

const GROUPS: readonly UiCommand['group'][] = ['Debug', 'Go to', 'View'];

const ELSEWHERE: readonly (readonly [keys: string, about: string])[] = [
  ['Ctrl+M', 'In an editor: whether Tab indents or moves the keyboard on'],
  ['Ctrl+Space', 'In the VMM script: what can stand here'],
  ['F8', 'In an editor: next problem'],
  ['← →', 'On a panel’s tab: the tabs beside it'],
  ['↑ ↓ Home End', 'In the ioctl log: the calls; Enter goes to the script’s line'],
];

function Row({ keys, about, title }: { keys: string; about: string; title?: string }) {
  return (
    <tr>
      <th scope="row">
        <Keys keys={keys} />
      </th>
      <td>
        {title ? <strong>{title}</strong> : null} {about}
      </td>
    </tr>
  );
}

/** All keys on one page, made from the command table. */
export function HelpDialog() {
  const dialog = useDialog('help');
  return (
    <Dialog.Root {...dialog}>
      <Dialog.Portal>
        <Dialog.Overlay className="overlay" />
        <Dialog.Content className="dialog help" aria-describedby={undefined}>
          <header className="dialog-head">
            <Dialog.Title>Keyboard</Dialog.Title>
            <Dialog.Close className="icon-button" aria-label="Close">
              <Icon name="close" />
            </Dialog.Close>
          </header>
          <div className="dialog-body" tabIndex={0} role="region" aria-label="Keys">
            {GROUPS.map((group) => (
              <table key={group} className="keys-table">
                <caption>{group}</caption>
                <tbody>
                  {COMMANDS.filter((command) => command.group === group && command.keys).map((command) => (
                    <Row key={command.id} keys={command.keys!} title={command.title} about={command.about} />
                  ))}
                </tbody>
              </table>
            ))}
            <table className="keys-table">
              <caption>In panels</caption>
              <tbody>
                {ELSEWHERE.map(([keys, about]) => (
                  <Row key={keys} keys={keys} about={about} />
                ))}
              </tbody>
            </table>
          </div>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
