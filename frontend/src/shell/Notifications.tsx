import { AtSign, Bell, BellDot, Check, MessageCircleReply } from 'lucide-react';
import { useEffect, useRef } from 'react';

import { asProblem, type Notification } from '../api';
import { markRead, quoteOf, setCommentDesk, useNotifications } from '../comments';
import { announce, go, usePlace } from '../desk';
import { Ago } from '../ui/Ago';
import { IconButton } from '../ui/Button';
import { classes } from '../ui/classes';
import { Menu, MenuItem, MenuLabel, MenuLine } from '../ui/Menu';
import { count } from '../ui/words';

const KINDS = {
  mention: { icon: AtSign, words: 'mentioned you in' },
  reply: { icon: MessageCircleReply, words: 'replied to you in' },
  resolved: { icon: Check, words: 'resolved your thread in' },
} as const;

function sentence({ kind, by, title }: Notification): string {
  return `${by} ${KINDS[kind].words} “${title || 'Untitled'}”`;
}

/** The bell: what one was told of comments, unread first to be seen, and the way there. */
export function Notifications() {
  const { data, error } = useNotifications();
  const { sel } = usePlace();
  const unread = data?.unread ?? 0;
  const latest = data?.notifications[0];

  const heard = useRef<string | null>(null);
  useEffect(() => {
    if (!data) return;
    const id = latest?.id ?? '';
    if (heard.current !== null && id !== heard.current && latest && !latest.read)
      announce(`${sentence(latest)}.`);
    heard.current = id;
  }, [data, latest]);

  // Whoever looks at the thread has read what is told of it.
  const thread = sel?.kind === 'comment' ? sel.id : null;
  const told = data?.notifications.some((one) => one.thread === thread && !one.read) ?? false;
  useEffect(() => {
    if (thread && told) markRead(thread).catch(() => undefined); // it is shown as unread again
  }, [thread, told]);

  const open = (one: Notification) => {
    setCommentDesk({ wanted: one.thread });
    go({
      space: one.space,
      brief: one.brief,
      right: 'comments',
      sel: { kind: 'comment', id: one.thread },
    });
  };
  return (
    <Menu
      trigger={
        <IconButton
          label={unread > 0 ? `Notifications: ${count(unread, 'unread one')}` : 'Notifications'}
          className="relative"
        >
          {unread > 0 ? <BellDot aria-hidden /> : <Bell aria-hidden />}
          {unread > 0 && (
            <span
              aria-hidden
              data-testid="unread"
              className="absolute -top-0.5 -right-0.5 min-w-4 rounded-full bg-accent px-1 text-center text-[10px] leading-4 font-bold text-accent-text tabular-nums"
            >
              {unread > 99 ? '99+' : unread}
            </span>
          )}
        </IconButton>
      }
    >
      <MenuLabel>Notifications</MenuLabel>
      {!data && (
        <MenuItem disabled onSelect={() => undefined}>
          {error ? asProblem(error).message : 'Loading…'}
        </MenuItem>
      )}
      {data?.notifications.length === 0 && (
        <MenuItem disabled onSelect={() => undefined}>
          Nothing yet: mentions and replies to you come here.
        </MenuItem>
      )}
      {data?.notifications.map((one) => {
        const Icon = KINDS[one.kind].icon;
        return (
          <MenuItem key={one.id} onSelect={() => open(one)}>
            <Icon aria-hidden className="shrink-0 self-start" />
            <span className="max-w-80 min-w-0">
              {!one.read && <span className="sr-only">Unread: </span>}
              <span className={classes('block', !one.read && 'font-semibold')}>
                {sentence(one)}
              </span>
              <span className="block truncate text-xs text-muted">{quoteOf(one.words)}</span>
              <span className="block text-xs text-muted">
                <Ago at={one.created_at} />
              </span>
            </span>
          </MenuItem>
        );
      })}
      {unread > 0 && (
        <>
          <MenuLine />
          <MenuItem
            onSelect={() => {
              markRead(null).then(
                () => announce('All marked as read.'),
                (failed: unknown) => announce(asProblem(failed).message),
              );
            }}
          >
            Mark all as read
          </MenuItem>
        </>
      )}
    </Menu>
  );
}
