import { ArrowLeft, Search } from 'lucide-react';
import { type ReactNode, useState } from 'react';

import { isOver, useRun } from '../../answers';
import {
  asProblem,
  type Graph as GraphData,
  type GraphPath,
  type GraphRelation,
  refetch,
  useResource,
} from '../../api';
import { go } from '../../desk';
import { type Shown, useShown } from '../../graph';
import { useSources } from '../../sources';
import { Button, IconButton } from '../../ui/Button';
import { classes } from '../../ui/classes';
import { Empty } from '../../ui/Empty';
import { Input } from '../../ui/Field';
import { ProblemNotice } from '../../ui/ProblemNotice';
import { count } from '../../ui/words';
import { GraphCommunities } from './GraphCommunities';
import { GraphDrawing } from './GraphDrawing';
import { GraphExtraction } from './GraphExtraction';
import { GraphPlace, GraphQuote } from './GraphQuote';

/** Who stands to whom: the ways behind an answer, a name's relations, who keeps company. */
export function Graph({ space }: { space: string }) {
  const run = useRun(space);
  const sources = useSources(space);
  const answer = run && isOver(run) ? run.answer : null;
  const [chosen, show] = useShown(space);
  const fallback: Shown = { of: answer ? 'answer' : 'space' };
  const shown = chosen === null || (chosen.of === 'answer' && !answer) ? fallback : chosen;
  const path =
    shown.of === 'entity'
      ? `?entity=${encodeURIComponent(shown.name)}`
      : shown.of === 'answer'
        ? `?answer=${answer ?? ''}`
        : '';
  const address = `/api/spaces/${space}/graph${path}`;
  const { data, error, loading } = useResource<GraphData>(address);
  const entity = (name: string) => show({ of: 'entity', name });
  const none = sources.data?.every((source) => !source.searchable) ?? false;

  return (
    <div className="@container flex min-h-0 flex-1 flex-col">
      <Choice shown={shown} answered={answer !== null} onShow={show} />
      {error !== null && !data ? (
        <div className="p-4">
          <ProblemNotice
            problem={asProblem(error)}
            action={
              <Button small disabled={loading} onClick={() => void refetch(address)}>
                Try again
              </Button>
            }
          />
        </div>
      ) : none ? (
        <Empty title="No graph yet">
          <p>It is made of what your sources say. Add a folder, or open the sample space.</p>
          <Button className="mt-3" look="primary" onClick={() => go({ left: 'sources' })}>
            Add sources
          </Button>
        </Empty>
      ) : data ? (
        <Told key={address} space={space} data={data} shown={shown} onEntity={entity} />
      ) : (
        <p className="working p-4 text-[13px] text-muted" role="status">
          reading the graph…
        </p>
      )}
    </div>
  );
}

interface ChoiceProps {
  shown: Shown;
  answered: boolean;
  onShow: (next: Shown) => void;
}

function Choice({ shown, answered, onShow }: ChoiceProps) {
  const looked = shown.of === 'entity' ? shown.name : '';
  const [name, setName] = useState(looked);
  const [before, setBefore] = useState(looked);
  if (looked !== before) {
    setBefore(looked);
    setName(looked);
  }
  const wanted = name.trim();
  return (
    <form
      role="search"
      aria-label="The graph"
      className="flex shrink-0 flex-wrap items-center gap-1.5 border-b border-border px-4 py-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (wanted) onShow({ of: 'entity', name: wanted });
      }}
    >
      {shown.of === 'entity' && (
        <IconButton
          label="Back"
          className="!size-6.5"
          onClick={() => onShow({ of: answered ? 'answer' : 'space' })}
        >
          <ArrowLeft aria-hidden />
        </IconButton>
      )}
      <div className="flex min-w-40 flex-1 gap-1.5">
        <Input
          type="search"
          aria-label="Name to look up"
          placeholder="Look up a name"
          maxLength={200}
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <Button type="submit" aria-label="Look up" disabled={!wanted} className="!px-2">
          <Search size={14} aria-hidden />
        </Button>
      </div>
      <div className="flex gap-1" role="group" aria-label="Show">
        {answered && (
          <Pressed on={shown.of === 'answer'} onClick={() => onShow({ of: 'answer' })}>
            Behind the answer
          </Pressed>
        )}
        <Pressed on={shown.of === 'space'} onClick={() => onShow({ of: 'space' })}>
          Whole space
        </Pressed>
      </div>
    </form>
  );
}

function Pressed({
  on,
  onClick,
  children,
}: {
  on: boolean;
  onClick: () => void;
  children: ReactNode;
}) {
  return (
    <Button
      small
      aria-pressed={on}
      onClick={onClick}
      className={classes(on && '!border-accent !bg-accent-soft !text-accent')}
    >
      {children}
    </Button>
  );
}

interface ToldProps {
  space: string;
  data: GraphData;
  shown: Shown;
  onEntity: (name: string) => void;
}

/** The text first, the drawing beside it, or under it where there is no room beside. */
function Told({ space, data, shown, onEntity }: ToldProps) {
  const [chosen, setChosen] = useState<string | null>(null);
  const relation = data.relations.find((one) => idOf(one) === chosen) ?? null;
  const toggle = (one: GraphRelation) => setChosen(one === relation ? null : idOf(one));
  const names = new Map(data.entities.map(({ key, name }) => [key, name]));
  const about =
    shown.of === 'entity' ? (data.entities.find(({ asked }) => asked)?.key ?? null) : null;

  const choose = (one: GraphRelation) => {
    setChosen(idOf(one));
    // Drawn, it may be far from where it stands in the list.
    setTimeout(() => {
      document
        .querySelector(`[data-relation="${CSS.escape(idOf(one))}"]`)
        ?.scrollIntoView({ block: 'nearest' });
    }, 0);
  };

  return (
    <div className="flex min-h-0 flex-1 flex-col @2xl:flex-row">
      <div
        className="flex min-h-0 flex-[3] flex-col gap-4 overflow-auto px-4 py-4"
        tabIndex={-1}
        data-testid="graph-text"
      >
        {shown.of === 'answer' && <Ways paths={data.paths} question={data.text} />}
        {shown.of === 'entity' && <Named data={data} asked={shown.name} />}
        {shown.of === 'space' && (
          <>
            <GraphExtraction space={space} />
            <GraphCommunities space={space} onEntity={onEntity} />
          </>
        )}
        {data.relations.length > 0 && (
          <section aria-labelledby="graph-relations">
            <Heading id="graph-relations">
              {shown.of === 'entity' ? 'What is stated of it' : 'Who stands to whom'}
            </Heading>
            <ul className="flex flex-col gap-1">
              {data.relations.map((one) => (
                <RelationRow
                  key={idOf(one)}
                  relation={one}
                  names={names}
                  about={about}
                  open={one === relation}
                  onToggle={() => toggle(one)}
                  onEntity={onEntity}
                />
              ))}
            </ul>
            {!data.whole && (
              <p className="mt-2 text-xs text-muted">
                The best supported are shown; look up a name for more of it.
              </p>
            )}
          </section>
        )}
      </div>
      {data.entities.length > 1 && (
        <div className="flex h-2/5 min-h-52 shrink-0 flex-col border-t border-border bg-surface @2xl:h-auto @2xl:flex-[2] @2xl:shrink @2xl:border-t-0 @2xl:border-l">
          <GraphDrawing
            entities={data.entities}
            relations={data.relations}
            chosen={relation}
            onRelation={choose}
            onEntity={onEntity}
          />
        </div>
      )}
    </div>
  );
}

function Heading({ id, children }: { id: string; children: ReactNode }) {
  return (
    <h3 id={id} className="mb-1.5 text-xs font-semibold text-muted">
      {children}
    </h3>
  );
}

function idOf({ subject, predicate, object }: GraphRelation): string {
  return `${subject}|${predicate}|${object}`;
}

function Ways({ paths, question }: { paths: readonly GraphPath[]; question: string }) {
  if (paths.length === 0) {
    return (
      <Empty title="No way by names">
        <p>
          The passages behind this answer share no name with the question or with each other; they
          were found by their words and their meaning.
        </p>
      </Empty>
    );
  }
  return (
    <section aria-labelledby="graph-ways">
      <Heading id="graph-ways">Ways from “{question}”</Heading>
      <ol className="flex flex-col gap-2">
        {paths.map((path, at) => (
          <li
            key={`${path.leads_to.passage} ${at}`}
            className="rounded-md border border-border bg-surface px-3 py-2 text-[13px]"
          >
            <p className="[overflow-wrap:anywhere]">
              {path.steps.map((step, n) => (
                <span key={`${step.begin} ${step.end}`}>
                  {n === 0 ? (
                    <Name>{step.begin}</Name>
                  ) : step.begin === path.steps[n - 1]?.end ? (
                    ''
                  ) : (
                    <> · {step.begin}</>
                  )}{' '}
                  <Predicate>{step.predicate}</Predicate> <Name>{step.end}</Name>
                  <span className="text-muted">, {count(step.passages, 'passage')}</span>{' '}
                </span>
              ))}
            </p>
            <p className="mt-1 flex flex-wrap gap-x-1.5 text-xs text-muted">
              {path.begins && (
                <>
                  from <GraphPlace quoted={path.begins} />
                </>
              )}
              to <GraphPlace quoted={path.leads_to} />
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Name({ children }: { children: ReactNode }) {
  return <span className="font-medium">{children}</span>;
}

const TOGETHER = 'co-occurs with'; // has no direction

function Predicate({ children }: { children: string }) {
  return (
    <span className="text-accent">
      <span aria-hidden>—</span>
      {children}
      <span aria-hidden>{children === TOGETHER ? '—' : '→'}</span>
    </span>
  );
}

function Named({ data, asked }: { data: GraphData; asked: string }) {
  const meant = data.entities.filter((entity) => entity.asked);
  if (meant.length === 0) {
    return (
      <Empty title={`No “${asked}” here`}>
        <p>No source names it so. Try its long or its short form, or a part of the name.</p>
      </Empty>
    );
  }
  return (
    <section className="text-[13px]">
      {meant.map((entity) => (
        <p key={entity.key}>
          <span className="font-serif text-lg">{entity.name}</span>{' '}
          <span className="text-muted">{count(entity.passages, 'passage')}</span>
        </p>
      ))}
      {data.relations.length === 0 && (
        <p className="mt-1 text-muted">No sentence names it together with another name.</p>
      )}
    </section>
  );
}

interface RelationRowProps {
  relation: GraphRelation;
  names: ReadonlyMap<string, string>;
  /** The name looked up: it stands first where a relation has no direction. */
  about: string | null;
  open: boolean;
  onToggle: () => void;
  onEntity: (name: string) => void;
}

function RelationRow({ relation, names, about, open, onToggle, onEntity }: RelationRowProps) {
  const name = (key: string) => names.get(key) ?? key;
  const turned = !relation.directed && relation.object === about;
  const [one, other] = turned
    ? [relation.object, relation.subject]
    : [relation.subject, relation.object];
  const more = relation.passages - relation.support.length;
  return (
    <li
      data-relation={idOf(relation)}
      className={classes('rounded-md', open && 'border border-border bg-surface')}
    >
      <button
        type="button"
        aria-expanded={open}
        onClick={onToggle}
        className="w-full rounded-md px-2 py-1 text-left text-[13px] [overflow-wrap:anywhere] hover:bg-surface-2"
      >
        <Name>{name(one)}</Name> <Predicate>{relation.predicate}</Predicate>{' '}
        <Name>{name(other)}</Name>
        <span className="text-muted">, {count(relation.passages, 'passage')}</span>
      </button>
      {open && (
        <div className="px-2 pb-2">
          <ul className="flex flex-col gap-1.5">
            {relation.support.map((quoted) => (
              <li key={quoted.passage}>
                <GraphQuote quoted={quoted} />
              </li>
            ))}
          </ul>
          {more > 0 && <p className="mt-1 text-xs text-muted">and {count(more, 'passage')} more</p>}
          <div className="mt-1.5 flex flex-wrap gap-1">
            {[relation.subject, relation.object].map((key) => (
              <Button key={key} small look="quiet" onClick={() => onEntity(name(key))}>
                Look up {name(key)}
              </Button>
            ))}
          </div>
        </div>
      )}
    </li>
  );
}
