import { type Health, useResource } from '../api';
import { useSync } from '../desk';
import { Notice } from '../ui/Notice';

/** What concerns the whole page: no server, or a server that is missing a part. */
export function Banners() {
  const { reachable } = useSync();
  const { data } = useResource<Health>('/api/health');
  const down = data?.ports.filter((port) => !port.ok) ?? [];
  if (!reachable) {
    return (
      <div role="status" className="px-3 pt-2">
        <Notice tone="warn" title="The server does not answer">
          You can go on writing: changes are kept on this device. Sources already read stay
          readable; asking and shipping wait.
        </Notice>
      </div>
    );
  }
  if (data?.status !== 'degraded' || down.length === 0) return null;
  return (
    <div role="status" className="px-3 pt-2">
      <Notice tone="warn" title={`Working without: ${down.map((port) => port.port).join(', ')}`}>
        <ul>
          {down.map((port) => (
            <li key={port.port}>
              {port.port}: {port.detail || 'does not answer'}
              {port.remedy && ` ${port.remedy}`}
            </li>
          ))}
        </ul>
      </Notice>
    </div>
  );
}
