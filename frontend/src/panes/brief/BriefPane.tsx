import '../../editor/editor.css';
import '../../editor/extensions/comments.css';
import '../../editor/extensions/suggest.css';

import { useEditor } from '@tiptap/react';
import { CircleAlert, GripVertical, X } from 'lucide-react';
import {
  useEffect,
  useImperativeHandle,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { createPortal } from 'react-dom';

import { useCommands, useStored, setMode } from '../../desk';
import { briefExtensions, citationOrder, claimAt, sentenceAt } from '../../editor';
import { saved } from '../../session';
import { IconButton } from '../../ui/Button';
import { classes } from '../../ui/classes';
import { BriefComments } from './BriefComments';
import { authorOf, BriefSuggestions } from './BriefSuggestions';
import { FindBar } from './FindBar';
import { Footer } from './Footer';
import { makeHandle } from './handle';
import { tellOrigin } from './originTips';
import { focusOutline, Outline } from './Outline';
import { pickImages } from './pickImages';
import { Title } from './Title';
import { Toolbar } from './Toolbar';
import type { BriefPaneProps } from './types';
import { useMeasure } from './useMeasure';

/** How long the cursor has to rest in a sentence before the other panes follow it. */
const REST = 250;

class Latest<T> {
  constructor(private value: T) {}

  get(): T {
    return this.value;
  }

  set(value: T): void {
    this.value = value;
  }
}

/** The shared brief. Mount it anew (by key) for another session. */
export function BriefPane(props: BriefPaneProps) {
  const { session, mode, ref } = props;
  const { subscribe, status } = session;
  const writable = useSyncExternalStore(subscribe, () => status().editable);
  const loaded = useSyncExternalStore(subscribe, () => status().loaded);
  const editable = mode !== 'read' && writable;
  const [finding, setFinding] = useState(false);
  const [outlined, setOutlined] = useStored('outline', false);
  const [marked, setMarked] = useStored('origins', true);
  const [problem, setProblem] = useState<string | null>(null);

  // The editor is made once; what it calls is always what was handed in last.
  const [latest] = useState(() => new Latest(props));
  useEffect(() => latest.set(props));

  const [say] = useState(() => (message: string) => latest.get().announce?.(message));
  const [grip] = useState(makeGrip);
  const [extensions] = useState(() =>
    briefExtensions({
      grip,
      doc: session.doc,
      awareness: session.awareness,
      user: session.user,
      author: () => authorOf(session),
      evidence: (cite) => latest.get().evidence(cite),
      onSelectCitation: (cite, block) => latest.get().onSelectCitation(cite, block),
      onCitations: (order) => latest.get().onCitations(order),
      searchPassages: (query) => latest.get().searchPassages(query),
      citePassage: (choice, claim) => latest.get().citePassage(choice, claim),
      uploadImage: (file) => latest.get().uploadImage(file),
      pickImages,
      say,
      onProblem: (message) => {
        setProblem(message);
        latest.get().announce?.(message);
      },
    }),
  );

  const editor = useEditor(
    {
      extensions,
      editable,
      immediatelyRender: true,
      shouldRerenderOnTransaction: false,
      editorProps: {
        attributes: {
          class: 'brief-text',
          role: 'textbox',
          'aria-multiline': 'true',
          'aria-label': 'Brief',
          spellcheck: 'true',
        },
      },
    },
    [session],
  );

  useEffect(() => {
    if (editor.isEditable !== editable) editor.setEditable(editable);
  }, [editor, editable]);

  useEffect(() => {
    editor.commands.setClaims(props.claims);
  }, [editor, props.claims]);

  useEffect(() => {
    editor.commands.setElsewhere(props.statuses);
  }, [editor, props.statuses]);

  useEffect(() => {
    editor.commands.refreshCitations(props.selectedCite);
  }, [editor, props.selectedCite, props.evidenceVersion]);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = '';
    const rest = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const { selection } = editor.state;
        const block = selection.$head.parent;
        const id: unknown = block.attrs.id;
        if (!editor.isFocused || !selection.empty || typeof id !== 'string') return;
        const text =
          claimAt(editor.state, selection.head)?.text ??
          sentenceAt(block, selection.$head.parentOffset);
        if (`${id} ${text}` === last) return;
        last = `${id} ${text}`;
        latest.get().onSelectBlock(id, text);
      }, REST);
    };
    editor.on('selectionUpdate', rest);
    return () => {
      clearTimeout(timer);
      editor.off('selectionUpdate', rest);
    };
  }, [editor, latest]);

  useImperativeHandle(
    ref,
    () =>
      makeHandle(
        editor,
        () => setFinding(true),
        () => saved(session),
        () => authorOf(session),
      ),
    [editor, session],
  );

  const measured = useMeasure(editor);
  const openOutline = () => {
    setOutlined(true);
    setTimeout(focusOutline, 0);
  };
  const closeOutline = () => {
    setOutlined(false);
    editor.commands.focus(undefined, { scrollIntoView: false });
  };

  useCommands([
    {
      id: 'find',
      group: 'Brief',
      label: 'Find and replace',
      words: 'search',
      run: () => setFinding(true),
    },
    {
      id: 'outline',
      group: 'Brief',
      label: outlined ? 'Close the outline' : 'Outline',
      words: 'headings contents',
      run: () => (outlined ? closeOutline() : openOutline()),
    },
  ]);

  return (
    <div
      className="brief-pane"
      onKeyDown={(event) => {
        if (!(event.metaKey || event.ctrlKey) || event.altKey || event.shiftKey) return;
        if (event.key.toLowerCase() !== 'f') return;
        event.preventDefault();
        setFinding(true);
      }}
    >
      <Toolbar
        editor={editor}
        editable={editable}
        onFind={() => setFinding(true)}
        announce={say}
        locked={props.locked ?? false}
      />
      {finding && <FindBar editor={editor} onClose={() => setFinding(false)} />}
      {problem !== null && (
        <div className="brief-bar">
          <p className="brief-problem">
            <CircleAlert size={15} aria-label="Problem" role="img" /> {problem}
          </p>
          <IconButton label="Dismiss" onClick={() => setProblem(null)}>
            <X />
          </IconButton>
        </div>
      )}
      <div className="brief-middle">
        {outlined && (
          <Outline
            editor={editor}
            headings={measured.headings}
            current={measured.current}
            onClose={closeOutline}
          />
        )}
        <div className="brief-scroll">
          <div
            className={classes('brief-page', marked && 'shows-origins')}
            aria-busy={!loaded}
            onMouseMove={tellOrigin}
          >
            <Title
              text={session.doc.getText('title')}
              editable={editable && mode === 'edit'}
              onDone={() => editor.commands.focus('start')}
              onEdit={editable && mode === 'suggest' ? () => setMode('edit') : undefined}
            />
            {createPortal(<GripVertical aria-hidden="true" size={14} />, grip)}
            <Text editor={editor} />
            <BriefSuggestions editor={editor} suggesting={mode === 'suggest'} editable={editable} />
            {editable && (
              <button
                type="button"
                className="brief-below"
                tabIndex={-1}
                aria-hidden="true"
                onMouseDown={(event) => event.preventDefault()}
                onClick={() => writeBelow(editor)}
              />
            )}
          </div>
        </div>
      </div>
      <BriefComments editor={editor} session={session} />
      <Footer
        measured={measured}
        citations={citationOrder(editor.state).length}
        outlined={outlined}
        onOutline={() => (outlined ? closeOutline() : openOutline())}
        marked={marked}
        onMark={setMarked}
      />
    </div>
  );
}

/** What a block is dragged by; the editor puts it beside the block the mouse is over. */
function makeGrip(): HTMLElement {
  const grip = document.createElement('div');
  grip.className = 'brief-grip';
  grip.style.visibility = 'hidden';
  grip.style.position = 'absolute';
  return grip;
}

/** Puts the text on the page as it was drawn; TipTap's own component would draw all of it again. */
function Text({ editor }: { editor: ReturnType<typeof useEditor> }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    box.current?.append(...(editor.view.dom.parentNode?.childNodes ?? []));
  }, [editor]);
  return <div ref={box} />;
}

/** A click under the last block goes on writing there. */
function writeBelow(editor: ReturnType<typeof useEditor>): void {
  const last = editor.state.doc.lastChild;
  if (last?.type.name !== 'paragraph' || last.content.size > 0)
    editor.commands.insertContentAt(editor.state.doc.content.size, { type: 'paragraph' });
  editor.commands.focus('end');
}
