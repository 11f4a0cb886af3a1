const FORMS: readonly [written: string, does: string][] = [
  [
    '"net retention"',
    'passages that hold these words in this order come first; their spelling is left as it is',
  ],
  ['+"net retention"', 'only passages that hold them'],
  [
    'title:minutes',
    'only sources with these words in their title; title:"board minutes" for several',
  ],
  ['source:reports/', 'only sources with these letters in their name or path'],
  ['after:2024-03', 'only sources added since then; before: is earlier than'],
];

/** What else a question may say beside its words. */
export function AskingHelp({ id }: { id: string }) {
  return (
    <dl
      id={id}
      className="mt-1.5 grid grid-cols-[auto_1fr] gap-x-3 gap-y-1 rounded-md bg-surface-2 px-2.5 py-2 text-xs"
    >
      {FORMS.map(([written, does]) => (
        <div key={written} className="contents">
          <dt className="font-mono text-[11.5px] whitespace-nowrap">{written}</dt>
          <dd className="text-muted">{does}</dd>
        </div>
      ))}
    </dl>
  );
}
