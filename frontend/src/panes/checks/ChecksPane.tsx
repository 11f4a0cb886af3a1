import { FileDown, History as Clock, ListChecks, MessageSquare, PencilLine } from 'lucide-react';
import { memo } from 'react';

import { useClaims } from '../../claims';
import { useComments } from '../../comments';
import { go, usePlace, useSuggestions } from '../../desk';
import { needsOf, useTargets } from '../../exports';
import { Empty } from '../../ui/Empty';
import { TabPanel, Tabs } from '../../ui/Tabs';
import { Claims } from './Claims';
import { Comments } from './Comments';
import { History } from './History';
import { Ship } from './Ship';
import { Suggestions } from './Suggestions';
import { useClaimKeys } from './useClaimKeys';
import { useShipKeys } from './useShipKeys';

interface ChecksPaneProps {
  space: string;
  brief: string | null;
}

export const ChecksPane = memo(function ChecksPane({ space, brief }: ChecksPaneProps) {
  const { right } = usePlace();
  const report = useClaims(brief);
  const comments = useComments(brief);
  const pending = useSuggestions();
  const claimKeys = useClaimKeys(brief);
  const targets = useTargets(brief);
  useShipKeys(brief);
  return (
    <Tabs
      label="Checks and Ship"
      value={right}
      onChange={(next) => go({ right: next })}
      tabs={[
        {
          id: 'claims',
          label: 'Claims',
          icon: ListChecks,
          count: report.data?.coverage.claims || null,
        },
        {
          id: 'comments',
          label: 'Comments',
          icon: MessageSquare,
          count: comments.data?.threads.length || null,
        },
        {
          id: 'suggestions',
          label: 'Suggestions',
          icon: PencilLine,
          count: pending?.all.length || null,
        },
        { id: 'history', label: 'History', icon: Clock },
        {
          id: 'ship',
          label: 'Ship',
          icon: FileDown,
          count: targets.data?.reduce((sum, target) => sum + needsOf(target), 0) || null,
        },
      ]}
    >
      <TabPanel id="claims">
        {brief ? <Claims space={space} brief={brief} {...claimKeys} /> : <NoBrief />}
      </TabPanel>
      <TabPanel id="comments">{brief ? <Comments brief={brief} /> : <NoBrief />}</TabPanel>
      <TabPanel id="suggestions">{brief ? <Suggestions /> : <NoBrief />}</TabPanel>
      <TabPanel id="history">
        {brief ? <History key={brief} brief={brief} /> : <NoBrief />}
      </TabPanel>
      <TabPanel id="ship">{brief ? <Ship space={space} brief={brief} /> : <NoBrief />}</TabPanel>
    </Tabs>
  );
});

function NoBrief() {
  return (
    <Empty title="No brief open">
      <p>
        Every sentence of a brief appears here with its evidence and a verdict. Ship brings it to
        Notion, Jira, Trello or a folder, and out as Markdown or Word.
      </p>
    </Empty>
  );
}
