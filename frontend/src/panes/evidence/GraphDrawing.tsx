import { type KeyboardEvent, useCallback, useMemo, useRef, useState } from 'react';

import type { GraphEntity, GraphRelation } from '../../api';
import { type Box, framed, nextTowards, type Point, useSettled } from '../../graph';
import { classes } from '../../ui/classes';
import { count } from '../../ui/words';

const MARGIN = { x: 4, y: 8 };
const ROOM = 6500; // square pixels for a name; those that find no room stand in the text alone
const FEWEST = 6;
const LABEL = 22; // characters of a name that are written; all of it is read aloud

interface GraphDrawingProps {
  entities: readonly GraphEntity[];
  relations: readonly GraphRelation[];
  /** The relation whose passages are listed. */
  chosen: GraphRelation | null;
  onRelation: (relation: GraphRelation) => void;
  onEntity: (name: string) => void;
}

/** The graph drawn. Everything in it stands in the text beside it, too. */
export function GraphDrawing(props: GraphDrawingProps) {
  const [size, setSize] = useState({ width: 0, height: 0 });
  const box = useCallback((element: HTMLElement | null) => {
    if (!element || typeof ResizeObserver === 'undefined') return undefined;
    const watch = new ResizeObserver(([entry]) => {
      if (!entry) return;
      const { width, height } = entry.contentRect;
      setSize({ width: Math.round(width), height: Math.round(height) });
    });
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const fitting = Math.max(FEWEST, Math.floor((size.width * size.height) / ROOM));
  const tied = useMemo(() => {
    const ends = new Set(props.relations.flatMap(({ subject, object }) => [subject, object]));
    return props.entities.filter(({ key, asked }) => asked || ends.has(key));
  }, [props.entities, props.relations]);
  const drawn = useMemo(() => tied.slice(0, fitting), [tied, fitting]);
  return (
    <div ref={box} className="relative min-h-0 flex-1 overflow-hidden">
      <Drawn {...props} entities={drawn} {...size} />
    </div>
  );
}

interface DrawnProps extends GraphDrawingProps {
  width: number;
  height: number;
}

function Drawn({
  entities,
  relations: all,
  chosen,
  onRelation,
  onEntity,
  width,
  height,
}: DrawnProps) {
  const relations = useMemo(() => {
    const drawn = new Set(entities.map(({ key }) => key));
    return all.filter(({ subject, object }) => drawn.has(subject) && drawn.has(object));
  }, [all, entities]);
  const names = useMemo(() => entities.map(({ key }) => key), [entities]);
  const ties = useMemo(
    () =>
      relations.map(({ subject, object, passages }) => ({
        from: subject,
        to: object,
        weight: passages,
      })),
    [relations],
  );
  const found = useSettled(names, ties);
  const places = useMemo(
    () =>
      found &&
      framed(
        found,
        { width, height },
        MARGIN,
        new Map(entities.map((entity) => [entity.key, sizeOf(entity)])),
      ),
    [found, width, height, entities],
  );
  const [at, setAt] = useState<string | null>(null);
  const drawing = useRef<SVGSVGElement>(null);
  if (entities.length === 0) return null;
  if (!places) {
    return (
      <p className="working p-4 text-[13px] text-muted" role="status">
        drawing…
      </p>
    );
  }
  const shown = entities.filter(({ key }) => places.has(key));
  const drawn = relations.filter(
    ({ subject, object }) => places.has(subject) && places.has(object),
  );
  const reached = at !== null && places.has(at) ? at : (shown[0]?.key ?? null);
  const around = chosen ? new Set([chosen.subject, chosen.object]) : null;

  const walk = (event: KeyboardEvent, from: GraphEntity) => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      onEntity(from.name);
      return;
    }
    const next = nextTowards(from.key, event.key, places);
    if (!next) return;
    event.preventDefault();
    setAt(next);
    drawing.current?.querySelector<SVGGElement>(`[data-key="${CSS.escape(next)}"]`)?.focus();
  };

  return (
    <svg
      ref={drawing}
      width={width}
      height={height}
      className="absolute inset-0 select-none"
      role="group"
      aria-label={`Drawing of ${count(shown.length, 'name')} and ${count(drawn.length, 'relation')}; arrow keys go from name to name`}
      data-testid="graph-drawing"
    >
      <defs>
        <marker
          id="graph-arrow"
          viewBox="0 0 8 8"
          refX="7"
          refY="4"
          markerWidth="6"
          markerHeight="6"
          orient="auto-start-reverse"
        >
          <path d="M0 0.5 L7.5 4 L0 7.5 z" className="fill-border-strong" />
        </marker>
      </defs>
      {/* The list of relations is the way to these by keyboard and for readers of the screen. */}
      <g aria-hidden>
        {drawn.map((relation) => {
          const from = places.get(relation.subject);
          const to = places.get(relation.object);
          if (!from || !to || relation.subject === relation.object) return null;
          const line = shortened(from, to);
          return (
            <g
              key={`${relation.subject} ${relation.predicate} ${relation.object}`}
              className="group/tie cursor-pointer"
              onClick={() => onRelation(relation)}
              data-tie
            >
              <title>{relation.text}</title>
              <line {...line} stroke="transparent" strokeWidth={12} />
              <line
                {...line}
                className={classes(
                  'transition-[stroke]',
                  relation === chosen
                    ? 'stroke-accent'
                    : 'stroke-border group-hover/tie:stroke-accent',
                )}
                strokeWidth={Math.min(1 + Math.log2(relation.passages + 1) * 0.7, 4)}
                markerEnd={relation.directed ? 'url(#graph-arrow)' : undefined}
              />
            </g>
          );
        })}
      </g>
      {shown.map((entity) => {
        const { x, y } = places.get(entity.key) ?? { x: 0, y: 0 };
        const radius = radiusOf(entity);
        const lit = around?.has(entity.key) ?? false;
        return (
          <g
            key={entity.key}
            data-key={entity.key}
            role="button"
            tabIndex={entity.key === reached ? 0 : -1}
            aria-label={`${entity.name}, ${count(entity.passages, 'passage')}${entity.asked ? ', asked for' : ''}`}
            className="group/name cursor-pointer outline-none"
            onClick={() => onEntity(entity.name)}
            onFocus={() => setAt(entity.key)}
            onKeyDown={(event) => walk(event, entity)}
          >
            <title>{`${entity.name}: ${count(entity.passages, 'passage')}`}</title>
            <circle
              cx={x}
              cy={y}
              r={radius + 4}
              className="fill-none stroke-focus stroke-2 opacity-0 group-focus-visible/name:opacity-100"
            />
            <circle
              cx={x}
              cy={y}
              r={radius}
              strokeWidth={1.5}
              className={classes(
                'stroke-accent transition-[fill] group-hover/name:fill-accent',
                entity.asked || lit ? 'fill-accent' : 'fill-accent-soft',
              )}
            />
            <text
              x={x}
              y={y + radius + 12}
              textAnchor="middle"
              paintOrder="stroke"
              strokeWidth={3}
              strokeLinejoin="round"
              className={classes(
                'fill-text stroke-surface text-[11px]',
                (entity.asked || lit) && 'font-semibold',
              )}
            >
              {written(entity)}
            </text>
          </g>
        );
      })}
    </svg>
  );
}

function radiusOf(entity: GraphEntity): number {
  return 4 + Math.min(Math.sqrt(entity.passages) * 1.3, 8);
}

function written({ name }: GraphEntity): string {
  return name.length > LABEL ? `${name.slice(0, LABEL - 1)}…` : name;
}

/** What a dot with its name under it takes, and a little air. */
function sizeOf(entity: GraphEntity): Box {
  const radius = radiusOf(entity);
  return {
    width: Math.max(widthOf(written(entity)), 2 * radius) + 8,
    height: 2 * radius + 20,
  };
}

const pen = typeof document === 'undefined' ? null : document.createElement('canvas');

/** How wide a name is drawn, in pixels, at the weight it may take. */
function widthOf(text: string): number {
  const context = pen?.getContext('2d');
  if (!context) return text.length * 7;
  context.font = `600 11px ${getComputedStyle(document.body).fontFamily}`;
  return context.measureText(text).width;
}

/** A line that ends where the dots do. */
function shortened(from: Point, to: Point) {
  const long = Math.max(Math.hypot(to.x - from.x, to.y - from.y), 1);
  const cut = Math.min(12 / long, 0.4);
  return {
    x1: from.x + (to.x - from.x) * cut,
    y1: from.y + (to.y - from.y) * cut,
    x2: to.x - (to.x - from.x) * cut,
    y2: to.y - (to.y - from.y) * cut,
  };
}
