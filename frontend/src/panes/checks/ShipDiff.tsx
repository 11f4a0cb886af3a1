import {
  type Choice,
  type PartDecision,
  type Plan,
  type PlanItem,
  type PlanPart,
  standingInWords,
  stretch,
  type Way,
  type WayDecision,
  wayInWords,
} from '../../exports';
import { Button } from '../../ui/Button';
import { classes } from '../../ui/classes';
import { Empty } from '../../ui/Empty';
import { ShipItem, ShipList } from './ShipItem';

/** What waits for a person comes first. */
function rank({ change }: PlanItem): number {
  const at = ['conflict', 'astray', 'drift'].indexOf(change);
  return at < 0 ? 3 : at;
}

/** Takes note of decisions, and says so once the plan was made anew. */
export type Decide = (
  parts: readonly PartDecision[],
  ways: readonly WayDecision[],
  said: string,
) => void;

interface ShipDiffProps {
  plan: Plan;
  /** Nothing can be decided now. */
  busy: boolean;
  onDecide: Decide;
}

/** Three ways by object and part: what was sent last, what is there now, what is here. */
export function ShipDiff({ plan, busy, onDecide }: ShipDiffProps) {
  const shown = plan.items
    .filter(({ change }) => change !== 'keep')
    .sort((one, other) => rank(one) - rank(other));
  const choose = ({ key, title }: PlanItem, part: PlanPart, choice: Choice) =>
    onDecide(
      [{ key, part: part.part, choice, theirs: part.theirs_value }],
      [],
      choice === 'ours'
        ? `${part.label} of ${title}: ours is sent with the next export.`
        : `${part.label} of ${title}: theirs stays there, and your text stays here.`,
    );
  const go = ({ key, title, standing }: PlanItem, way: Way) =>
    onDecide([], [{ key, way, standing }], `${title}: ${wayInWords(way, standing).means}`);
  return (
    <div
      className="@container min-h-0 flex-1 overflow-auto"
      tabIndex={0}
      role="region"
      aria-label="Diff"
      aria-busy={busy}
    >
      {shown.length === 0 && (
        <Empty title="No difference">
          <p>What was sent, what is there and what is here are the same.</p>
        </Empty>
      )}
      <ShipList label="Objects that differ" all={shown}>
        {(item) => (
          <ShipItem key={item.key} item={item} change={item.change}>
            {item.note && <p className="text-[13px]">{item.note}</p>}
            {item.standing !== 'live' && (
              <Astray item={item} disabled={busy} onWay={(way) => go(item, way)} />
            )}
            {item.parts
              .filter(({ change }) => change !== 'keep')
              .map((part) => (
                <Part
                  key={part.part}
                  about={item.title}
                  part={part}
                  made={item.change === 'create'}
                  disabled={busy}
                  onChoose={(choice) => choose(item, part, choice)}
                />
              ))}
          </ShipItem>
        )}
      </ShipList>
    </div>
  );
}

interface AstrayProps {
  item: PlanItem;
  disabled: boolean;
  onWay: (way: Way) => void;
}

function Astray({ item, disabled, onWay }: AstrayProps) {
  return (
    <div className="flex flex-col gap-1.5 text-[13px]">
      <p>
        {standingInWords(item.standing, item.where)}.
        {item.change === 'astray' && ' It is left alone until you decide.'}
      </p>
      <ul className="flex flex-col gap-1.5">
        {item.ways.map((way) => {
          const { name, means } = wayInWords(way, item.standing);
          return (
            <li key={way} className="flex flex-wrap items-center gap-x-2 gap-y-1">
              <Button
                small
                disabled={disabled}
                aria-label={`${name}: ${item.title}`}
                onClick={() => onWay(way)}
              >
                {name}
              </Button>
              <span className="text-xs text-muted">{means}</span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

interface PartProps {
  about: string;
  part: PlanPart;
  /** The object is new: nothing was sent, nothing is there. */
  made: boolean;
  disabled: boolean;
  onChoose: (choice: Choice) => void;
}

function Part({ about, part, made, disabled, onChoose }: PartProps) {
  const { label, change, base, ours, theirs } = part;
  const open = change === 'conflict' || change === 'drift';
  return (
    <section aria-label={`${label} of ${about}`} className="flex flex-col gap-1.5">
      <h5 className="text-xs font-medium text-muted">
        {label}
        {change === 'conflict' && <span className="text-bad"> · changed on both sides</span>}
        {change === 'drift' && <span className="text-warn"> · changed over there, not sent</span>}
      </h5>
      <div className={classes('grid gap-1.5', open ? '@2xl:grid-cols-3' : '@2xl:grid-cols-2')}>
        {!made && <Side name="Last sent" text={base} />}
        {open && <Side name="There now" text={theirs} since={base} />}
        {change !== 'drift' && <Side name="Here" text={ours} {...(made ? {} : { since: base })} />}
      </div>
      {open && (
        <div className="flex flex-wrap items-center gap-2">
          <Button
            small
            disabled={disabled}
            aria-label={`Use ours: ${label} of ${about}`}
            onClick={() => onChoose('ours')}
          >
            Use ours
          </Button>
          <Button
            small
            disabled={disabled}
            aria-label={`Keep theirs: ${label} of ${about}`}
            onClick={() => onChoose('theirs')}
          >
            Keep theirs
          </Button>
          <span className="text-xs text-muted">“Keep theirs” never deletes your text.</span>
        </div>
      )}
    </section>
  );
}

interface SideProps {
  name: string;
  text: string;
  /** What it is told apart from; nothing is marked without. */
  since?: string;
}

function Side({ name, text, since }: SideProps) {
  const { head, was, is, tail } = stretch(since ?? text, text);
  return (
    <div role="group" aria-label={name} className="min-w-0 rounded-sm bg-surface-2 px-2 py-1.5">
      <p aria-hidden className="text-[11px] text-muted">
        {name}
      </p>
      <p className="max-h-48 overflow-auto text-[13px] leading-snug whitespace-pre-wrap [overflow-wrap:anywhere]">
        {head}
        {was && (
          <del className="bg-bad-soft decoration-bad">
            <span className="sr-only">deleted: </span>
            {was}
          </del>
        )}
        {is && (
          <ins className="bg-ok-soft decoration-ok">
            <span className="sr-only">inserted: </span>
            {is}
          </ins>
        )}
        {tail}
        {!text && !was && <span className="text-muted">empty</span>}
      </p>
    </div>
  );
}
