import type { Editor } from '@tiptap/core';
import { Columns3 } from 'lucide-react';

import { TABLE_ACTS } from '../../editor';
import { Keys } from '../../ui/Keys';
import { Menu, MenuItem, MenuLabel } from '../../ui/Menu';

const GROUPS = ['Rows', 'Columns', 'Table'] as const;

interface TableMenuProps {
  editor: Editor;
  disabled: boolean;
  announce: (message: string) => void;
}

/** What can be done to the table the cursor is in, each with its key. */
export function TableMenu({ editor, disabled, announce }: TableMenuProps) {
  return (
    <Menu
      onChosen={() => editor.view.focus()}
      trigger={
        <button
          type="button"
          className="brief-tool"
          aria-label="Table"
          title="Table"
          aria-pressed="true"
          disabled={disabled}
        >
          <Columns3 size={15} aria-hidden="true" />
        </button>
      }
    >
      {GROUPS.flatMap((group) => [
        <MenuLabel key={group}>{group}</MenuLabel>,
        ...TABLE_ACTS.filter((act) => act.group === group).map((act) => (
          <MenuItem
            key={act.name}
            danger={act.danger === true}
            onSelect={() => {
              if (act.run(editor)) announce(act.said);
            }}
          >
            <span className="flex-1">{act.name}</span>
            {act.keys && <Keys of={act.keys.replaceAll('-', '+')} />}
          </MenuItem>
        )),
      ])}
    </Menu>
  );
}
