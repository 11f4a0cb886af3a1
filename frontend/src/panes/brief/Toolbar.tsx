import type { Editor } from '@tiptap/core';
import { useEditorState } from '@tiptap/react';
import {
  Bold,
  ChevronDown,
  Code,
  Image as Picture,
  Italic,
  Link as Chain,
  List,
  ListOrdered,
  type LucideIcon,
  MessageSquarePlus,
  Quote,
  Redo2,
  Search,
  SquareCheck,
  Strikethrough,
  Table,
  TextQuote,
  Underline,
  Undo2,
} from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useState } from 'react';

import { getCommentDesk } from '../../comments';
import { Menu, MenuItem, MenuLine } from '../../ui/Menu';
import { LinkField } from './LinkField';
import { ModeMenu } from './ModeMenu';
import { pickImages } from './pickImages';
import { TableMenu } from './TableMenu';

const MAC = /Mac|iP(hone|ad)/.test(navigator.userAgent);
const MOD = MAC ? '⌘' : 'Ctrl+';
const MOD_ALT = MAC ? '⌘⌥' : 'Ctrl+Alt+';

interface ToolProps {
  icon: LucideIcon;
  label: string;
  keys?: string;
  pressed?: boolean;
  disabled?: boolean;
  onPress: () => void;
}

function Tool({ icon: Icon, label, keys, pressed, disabled, onPress }: ToolProps) {
  return (
    <button
      type="button"
      className="brief-tool"
      aria-label={label}
      aria-pressed={pressed}
      title={keys ? `${label} (${keys})` : label}
      disabled={disabled}
      // The selection in the text stays where it is.
      onMouseDown={(event) => event.preventDefault()}
      onClick={onPress}
    >
      <Icon size={15} aria-hidden="true" />
    </button>
  );
}

function Group({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div role="group" aria-label={label} className="brief-tools">
      {children}
    </div>
  );
}

/** Arrow keys walk along the tools, as in any toolbar. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step === undefined || event.target instanceof HTMLInputElement) return;
  const tools = [...event.currentTarget.querySelectorAll<HTMLElement>('button:not(:disabled)')];
  const at = tools.indexOf(event.target as HTMLElement);
  tools[(at + step + tools.length) % tools.length]?.focus();
  event.preventDefault();
}

interface ToolbarProps {
  editor: Editor;
  editable: boolean;
  onFind: () => void;
  announce: (message: string) => void;
  /** The person's access is to read. */
  locked: boolean;
}

export function Toolbar({ editor, editable, onFind, announce, locked }: ToolbarProps) {
  const [linking, setLinking] = useState(false);
  const now = useEditorState({
    editor,
    selector: ({ editor: e }) => ({
      block: blockName(e),
      bold: e.isActive('bold'),
      italic: e.isActive('italic'),
      underline: e.isActive('underline'),
      strike: e.isActive('strike'),
      code: e.isActive('code'),
      link: e.isActive('link'),
      bullet: e.isActive('bulletList'),
      ordered: e.isActive('orderedList'),
      quote: e.isActive('blockquote'),
      action: e.isActive('action'),
      table: e.isActive('table'),
      undo: e.can().undo(),
      redo: e.can().redo(),
    }),
  });
  const chain = () => editor.chain().focus();
  const off = !editable;

  return (
    <div className="brief-toolbar-box">
      <div role="toolbar" aria-label="Formatting" className="brief-toolbar" onKeyDown={walk}>
        <Group label="Block">
          <Menu
            onChosen={() => editor.view.focus()}
            trigger={
              <button type="button" className="brief-tool brief-tool-wide" disabled={off}>
                <span>{now.block}</span>
                <ChevronDown size={13} aria-hidden="true" />
              </button>
            }
          >
            <MenuItem onSelect={() => chain().setParagraph().run()}>Text</MenuItem>
            {([1, 2, 3, 4] as const).map((level) => (
              <MenuItem
                key={level}
                onSelect={() => chain().setNode('heading', { level }).run()}
                checked={now.block === `Heading ${level}`}
              >
                <span className="flex-1">Heading {level}</span>
                <kbd className="brief-keys">{`${MOD_ALT}${level}`}</kbd>
              </MenuItem>
            ))}
            <MenuLine />
            <MenuItem onSelect={() => chain().toggleCodeBlock().run()}>Code</MenuItem>
            <MenuItem onSelect={() => chain().setHorizontalRule().run()}>Divider</MenuItem>
          </Menu>
        </Group>
        <Group label="Words">
          <Tool
            icon={Bold}
            label="Bold"
            keys={`${MOD}B`}
            pressed={now.bold}
            disabled={off}
            onPress={() => chain().toggleBold().run()}
          />
          <Tool
            icon={Italic}
            label="Italic"
            keys={`${MOD}I`}
            pressed={now.italic}
            disabled={off}
            onPress={() => chain().toggleItalic().run()}
          />
          <Tool
            icon={Underline}
            label="Underline"
            keys={`${MOD}U`}
            pressed={now.underline}
            disabled={off}
            onPress={() => chain().toggleUnderline().run()}
          />
          <Tool
            icon={Strikethrough}
            label="Strike through"
            pressed={now.strike}
            disabled={off}
            onPress={() => chain().toggleStrike().run()}
          />
          <Tool
            icon={Code}
            label="Code"
            keys={`${MOD}E`}
            pressed={now.code}
            disabled={off}
            onPress={() => chain().toggleCode().run()}
          />
          <Tool
            icon={Chain}
            label="Link"
            pressed={now.link}
            disabled={off}
            onPress={() => setLinking(true)}
          />
        </Group>
        <Group label="Insert">
          <Tool
            icon={List}
            label="Bullet list"
            pressed={now.bullet}
            disabled={off}
            onPress={() => chain().toggleBulletList().run()}
          />
          <Tool
            icon={ListOrdered}
            label="Numbered list"
            pressed={now.ordered}
            disabled={off}
            onPress={() => chain().toggleOrderedList().run()}
          />
          <Tool
            icon={SquareCheck}
            label="Action item"
            keys={`${MOD_ALT}T`}
            pressed={now.action}
            disabled={off}
            onPress={() => chain().toggleAction().run()}
          />
          <Tool
            icon={Quote}
            label="Quote"
            pressed={now.quote}
            disabled={off}
            onPress={() => chain().toggleBlockquote().run()}
          />
          {now.table ? (
            <TableMenu editor={editor} disabled={off} announce={announce} />
          ) : (
            <Tool
              icon={Table}
              label="Table"
              disabled={off}
              onPress={() => chain().insertTable({ rows: 3, cols: 3, withHeaderRow: true }).run()}
            />
          )}
          <Tool
            icon={Picture}
            label="Picture"
            disabled={off}
            onPress={() => void pickImages().then((files) => editor.commands.uploadImages(files))}
          />
          <Tool
            icon={TextQuote}
            label="Cite a passage"
            keys="[["
            disabled={off}
            onPress={() => chain().insertContent('[[').run()}
          />
        </Group>
        <Group label="History">
          <Tool
            icon={Undo2}
            label="Undo"
            keys={`${MOD}Z`}
            disabled={off || !now.undo}
            onPress={() => chain().undo().run()}
          />
          <Tool
            icon={Redo2}
            label="Redo"
            keys={MAC ? '⇧⌘Z' : 'Ctrl+Y'}
            disabled={off || !now.redo}
            onPress={() => chain().redo().run()}
          />
          <Tool icon={Search} label="Find" keys={`${MOD}F`} onPress={onFind} />
          <Tool
            icon={MessageSquarePlus}
            label="Comment"
            keys={`${MOD_ALT}M`}
            onPress={() => getCommentDesk().port?.comment()}
          />
        </Group>
        <ModeMenu locked={locked} announce={announce} />
      </div>
      {linking && <LinkField editor={editor} onClose={() => setLinking(false)} />}
    </div>
  );
}

function blockName(editor: Editor): string {
  for (const level of [1, 2, 3, 4])
    if (editor.isActive('heading', { level })) return `Heading ${level}`;
  if (editor.isActive('codeBlock')) return 'Code';
  if (editor.isActive('action')) return 'Action item';
  return 'Text';
}
