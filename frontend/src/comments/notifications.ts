import { useEffect } from 'react';

import { invalidate, type Notifications, patch, refetch, send, useResource } from '../api';

const PATH = '/api/notifications';
/** Of other spaces no event tells: they are asked for once in a while. */
const EACH = 60_000;

/** What this person was told of comments. */
export function useNotifications() {
  useEffect(() => {
    const again = () => {
      if (document.visibilityState === 'visible') invalidate(PATH);
    };
    const timer = setInterval(again, EACH);
    window.addEventListener('focus', again);
    return () => {
      clearInterval(timer);
      window.removeEventListener('focus', again);
    };
  }, []);
  return useResource<Notifications>(PATH);
}

/** Marks what is of a thread as read, or all of it; it shows at once. */
export async function markRead(thread: string | null): Promise<void> {
  patch<Notifications>(PATH, (old) => {
    const notifications = old.notifications.map((one) =>
      thread === null || one.thread === thread ? { ...one, read: true } : one,
    );
    const read = notifications.filter((one, n) => one.read && !old.notifications[n]?.read).length;
    return { notifications, unread: thread === null ? 0 : Math.max(0, old.unread - read) };
  });
  try {
    await send('POST', `${PATH}/read`, { thread });
  } finally {
    void refetch(PATH);
  }
}
