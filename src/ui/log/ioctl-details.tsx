import type { DecodedStruct, IoctlEntry } from '../../session/messages.ts';
import { count, hex } from '../format.ts';
import { goToLoadedLine } from '../go-to.ts';
import { prose } from '../prose.ts';
import { useSandbox } from '../store.ts';
import { callName, fieldRows, resultText } from './ioctl-text.ts';

/** One ioctl in full: who called, what went in, what came out, and why it was refused. */
export function IoctlDetails({ entry }: { entry: IoctlEntry | null }) {
  if (!entry) return <div className="call-details" />;
  const { result, scriptLine } = entry;
  return (
    <section className="call-details" aria-label="Ioctl details" tabIndex={0}>
      <h2 className="call-title">
        {callName(entry)} <span className="muted">#{entry.seq}</span>
      </h2>
      <p className="call-facts">
        on {entry.fdKind === 'unknown' ? 'a descriptor that is none' : `the ${entry.fdKind}`}, fd {entry.fd}
        <span className="sep" />
        request <code>{hex(entry.request, 8)}</code>
        <span className="sep" />
        after {count(entry.instructions)} instructions
        {scriptLine !== null ? (
          <>
            <span className="sep" />
            <button type="button" className="link" onClick={() => goToLoadedLine('script', scriptLine)}>
              script line {scriptLine}
            </button>
          </>
        ) : null}
      </p>
      <Answer entry={entry} />
      {result?.explanation ? (
        <div className="refusal" role="group" aria-label={result.errno ? 'Why it was refused' : 'Why'}>
          <p className="refusal-message">{prose(result.explanation.message)}</p>
          <p className="refusal-rule">
            rule <code>{result.explanation.rule}</code> <span className="sep" /> kernel{' '}
            <code>{result.explanation.kernel}()</code>
          </p>
        </div>
      ) : null}
      <Fields before={entry.argStruct} after={result?.outStruct ?? null} />
      {!entry.argStruct && !result?.outStruct ? (
        <p className="call-facts">
          argument <code>{entry.argText || hex(entry.arg)}</code>
        </p>
      ) : null}
    </section>
  );
}

function Answer({ entry }: { entry: IoctlEntry }) {
  const { result } = entry;
  const ended = useSandbox(({ status }) => status.state === 'finished' || status.state === 'failed');
  if (!result) {
    return (
      <p className="answer">
        {ended ? 'did not return: the program ended before' : 'in progress: it has not returned yet'}
      </p>
    );
  }
  return (
    <>
      <p className={result.errno ? 'answer refused' : 'answer'}>
        returns <code>{result.ret}</code>
        {result.errno ? (
          <>
            , errno <code className="errno">{resultText(entry)}</code>
          </>
        ) : null}
      </p>
      {result.exitText ? <p className="answer-exit">{result.exitText}</p> : null}
    </>
  );
}

function Fields({ before, after }: { before: DecodedStruct | null; after: DecodedStruct | null }) {
  const struct = after ?? before;
  if (!struct) return null;
  const rows = fieldRows(before, after);
  return (
    <table className="fields">
      <caption>
        struct {struct.name} <span className="muted">{struct.size} bytes</span>
      </caption>
      <thead>
        <tr>
          <th scope="col" className="num">
            Offset
          </th>
          <th scope="col" className="num">
            Size
          </th>
          <th scope="col">Field</th>
          {before ? <th scope="col">{after ? 'Before' : 'Value'}</th> : null}
          {after ? <th scope="col">{before ? 'After' : 'Value'}</th> : null}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.name} className={row.changed ? 'changed' : undefined}>
            <td className="num">{hex(row.offset, 2)}</td>
            <td className="num">{row.size}</td>
            <th scope="row">{row.name}</th>
            {before ? <td>{row.before}</td> : null}
            {after ? <td className="after">{row.after}</td> : null}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
