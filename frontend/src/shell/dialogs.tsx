import { useState } from 'react';

import { asProblem, type Brief, type Problem, refetch, send, type Space } from '../api';
import { announce, goTo } from '../desk';
import { Confirm, Dialog } from '../ui/Dialog';
import { Input } from '../ui/Field';
import { Form } from '../ui/Form';
import { Notice } from '../ui/Notice';
import { ProblemNotice } from '../ui/ProblemNotice';
import { count } from '../ui/words';
import { TemplatePicker } from './templates';

interface OpenProps {
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export function NewSpace({ open, onOpenChange }: OpenProps) {
  const [name, setName] = useState('');
  const create = async () => {
    const space = await send<Space>('POST', '/api/spaces', { name: name.trim() });
    await refetch('/api/spaces');
    setName('');
    onOpenChange(false);
    goTo(space.id, null);
    announce(`Space ${space.name} made.`);
  };
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title="New space"
      description="A folder of sources and briefs that are searched together."
    >
      <Form action="Create" ready={name.trim() !== ''} onSubmit={create} explain={asProblem}>
        <Input
          aria-label="Name of the space"
          placeholder="Q3 market entry"
          value={name}
          maxLength={200}
          onChange={(event) => setName(event.target.value)}
        />
      </Form>
    </Dialog>
  );
}

export function NewBrief({ space, open, onOpenChange }: OpenProps & { space: string }) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      wide
      title="New brief"
      description="Give it a title and choose what it starts from."
    >
      <TemplatePicker space={space} onDone={() => onOpenChange(false)} />
    </Dialog>
  );
}

export function DeleteSpace({ space, open, onOpenChange }: OpenProps & { space: Space }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const remove = async () => {
    try {
      await send('DELETE', `/api/spaces/${space.id}`);
      await refetch('/api/spaces');
      history.replaceState(null, '', '/');
      window.dispatchEvent(new PopStateEvent('popstate'));
      announce(`Space ${space.name} deleted.`);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <>
      <Confirm
        open={open}
        onOpenChange={onOpenChange}
        title={`Delete the space “${space.name}”?`}
        action="Delete the space"
        onConfirm={() => void remove()}
      >
        <p>
          {count(space.sources, 'source')}, {count(space.passages, 'passage')} and{' '}
          {count(space.briefs, 'brief')} are deleted with it, from every index and from disk. This
          cannot be undone.
        </p>
      </Confirm>
      <FailedDialog title="The space was not deleted" problem={problem} onClose={setProblem} />
    </>
  );
}

export function DeleteBrief({ brief, open, onOpenChange }: OpenProps & { brief: Brief }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const remove = async () => {
    try {
      await send('DELETE', `/api/briefs/${brief.id}`);
      await refetch(`/api/spaces/${brief.space}/briefs`);
      goTo(brief.space, null);
      announce(`Brief ${brief.title} deleted.`);
    } catch (error) {
      setProblem(asProblem(error));
    }
  };
  return (
    <>
      <Confirm
        open={open}
        onOpenChange={onOpenChange}
        title={`Delete the brief “${brief.title || 'Untitled'}”?`}
        action="Delete the brief"
        onConfirm={() => void remove()}
      >
        <p>
          It is deleted for everybody who works on it. Its sources stay. This cannot be undone;
          download it first if somebody may want it again.
        </p>
      </Confirm>
      <FailedDialog title="The brief was not deleted" problem={problem} onClose={setProblem} />
    </>
  );
}

function FailedDialog({
  title,
  problem,
  onClose,
}: {
  title: string;
  problem: Problem | null;
  onClose: (problem: null) => void;
}) {
  return (
    <Dialog open={problem !== null} onOpenChange={() => onClose(null)} title={title}>
      {problem && <ProblemNotice problem={problem} />}
      <Notice tone="info">Nothing was changed.</Notice>
    </Dialog>
  );
}
