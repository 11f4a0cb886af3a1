import { memo } from 'react';

import { go, usePlace } from '../../desk';
import { useSources } from '../../sources';
import { TabPanel, Tabs } from '../../ui/Tabs';
import { Ask } from './Ask';
import { Graph } from './Graph';
import { Reader } from './Reader';
import { Sources } from './Sources';

interface EvidencePaneProps {
  space: string;
  brief: string | null;
  questions: readonly string[];
}

export const EvidencePane = memo(function EvidencePane({
  space,
  brief,
  questions,
}: EvidencePaneProps) {
  const { left } = usePlace();
  const sources = useSources(space);
  return (
    <Tabs
      label="Evidence"
      value={left}
      onChange={(next) => go({ left: next })}
      tabs={[
        { id: 'ask', label: 'Ask' },
        { id: 'sources', label: 'Sources', count: sources.data?.length ?? null },
        { id: 'graph', label: 'Graph' },
        { id: 'reader', label: 'Reader' },
      ]}
    >
      <TabPanel id="ask">
        <Ask space={space} brief={brief} questions={questions} />
      </TabPanel>
      <TabPanel id="sources">
        <Sources space={space} />
      </TabPanel>
      <TabPanel id="graph">
        <Graph space={space} />
      </TabPanel>
      <TabPanel id="reader">
        <Reader space={space} />
      </TabPanel>
    </Tabs>
  );
});
