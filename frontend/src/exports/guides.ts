import type { RemoteKind } from './types';

interface Asked {
  name: string;
  label: string;
  /** Never shown while it is typed. */
  secret: boolean;
  placeholder?: string;
  /** Why it may be left empty. */
  optional?: string;
}

/** How a token comes about, and what it has to be allowed. */
export interface Guide {
  says: string;
  steps: readonly string[];
  url: string;
  scopes: readonly string[];
  fields: readonly Asked[];
}

export const GUIDES: Record<RemoteKind, Guide> = {
  notion: {
    says: 'A page, under a page of yours or in a database',
    steps: [
      'Make an internal integration and copy its secret.',
      'Open the page or database that briefs are to go to, and add it under ••• → Connections.',
    ],
    url: 'https://www.notion.so/profile/integrations',
    scopes: ['Read content', 'Insert content', 'Update content', 'Read user information'],
    fields: [{ name: 'token', label: 'Integration secret', secret: true, placeholder: 'ntn_…' }],
  },
  jira: {
    says: 'An epic, and an issue for each action item',
    steps: [
      'Make an API token without scopes and copy it: Jira takes no other at the address of a site.',
      'It may do what you may do. An account of its own keeps it to its projects.',
    ],
    url: 'https://id.atlassian.com/manage-profile/security/api-tokens',
    scopes: ['Browse projects', 'Create issues', 'Edit issues', 'Transition issues'],
    fields: [
      {
        name: 'site',
        label: 'Site',
        secret: false,
        placeholder: 'https://your-team.atlassian.net',
      },
      { name: 'email', label: 'E-mail of your account', secret: false },
      { name: 'token', label: 'API token', secret: true },
    ],
  },
  trello: {
    says: 'A card for the brief, and one for each action item',
    steps: [
      'Make a Power-Up of your own; its API key stands under “API key”.',
      'Press “Token” beside the key, allow it, and copy what is shown.',
    ],
    url: 'https://trello.com/power-ups/admin',
    scopes: ['read', 'write'],
    fields: [
      { name: 'key', label: 'API key', secret: false },
      { name: 'token', label: 'Token', secret: true },
      {
        name: 'secret',
        label: 'Secret of the Power-Up',
        secret: true,
        optional: 'Optional: with it, Trello tells us of changes as they happen.',
      },
    ],
  },
};
