import { type Health, useResource } from '../api';
import { useSync } from '../desk';
import { isFinal } from '../session';
import { Notice } from '../ui/Notice';

/** What a missing part means for the person. */
const COSTS: Record<string, string> = {
  dense: 'Answers come by exact words only; paraphrases may be missed.',
  lexical: 'Answers come by meaning only; exact words may be missed.',
};

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** What concerns the whole page: no server, or a server that is missing a part. */
export function Banners() {
  const { connection, reachable } = useSync();
  const { data } = useResource<Health>('/api/health');
  const down = data?.ports.filter((port) => !port.ok) ?? [];
  if (!reachable) {
    return (
      <div role="status" className="shrink-0 px-3 py-2">
        <Notice tone="warn" title="The server does not answer">
          {!isFinal(connection) && 'You can go on writing: changes are kept on this device. '}
          Sources already read stay readable; asking and shipping wait.
        </Notice>
      </div>
    );
  }
  if (data?.status !== 'degraded' || down.length === 0) return null;
  return (
    <div role="status" className="shrink-0 px-3 py-2">
      <Notice tone="warn" title={`Working without: ${down.map((port) => port.port).join(', ')}`}>
        <ul>
          {down.map((port) => (
            <li key={port.port}>
              {sentence(`${port.port}: ${port.detail || 'does not answer'}`)}
              {port.port in COSTS && ` ${COSTS[port.port]}`}
              {port.remedy && ` ${port.remedy}`}
            </li>
          ))}
        </ul>
      </Notice>
    </div>
  );
}
