import { describe, expect, it } from 'vitest';

import { filesOfEntries, TooManyFiles } from './files';

function file(path: string): FileSystemFileEntry {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return {
    isFile: true,
    isDirectory: false,
    name,
    fullPath: path,
    file: (done: (file: File) => void) => done(new File(['x'], name)),
  } as unknown as FileSystemFileEntry;
}

function folder(path: string, children: FileSystemEntry[], batch = 100): FileSystemDirectoryEntry {
  return {
    isFile: false,
    isDirectory: true,
    name: path.slice(path.lastIndexOf('/') + 1),
    fullPath: path,
    createReader: () => {
      const left = [...children];
      return { readEntries: (done: (e: FileSystemEntry[]) => void) => done(left.splice(0, batch)) };
    },
  } as unknown as FileSystemDirectoryEntry;
}

describe('a dropped folder', () => {
  it('is walked to the bottom and keeps its paths', async () => {
    const found = await filesOfEntries([
      folder('/q3', [file('/q3/b.md'), folder('/q3/deep', [file('/q3/deep/a.pdf')])]),
      file('/note.txt'),
    ]);
    expect(found.map((f) => f.path)).toEqual(['q3/b.md', 'q3/deep/a.pdf', 'note.txt']);
  });

  it('gives up all its entries although browsers hand them out in batches', async () => {
    const many = Array.from({ length: 250 }, (_, i) =>
      file(`/f/${String(i).padStart(3, '0')}.txt`),
    );
    expect(await filesOfEntries([folder('/f', many)])).toHaveLength(250);
  });

  it('leaves hidden files and system litter behind', async () => {
    const found = await filesOfEntries([
      folder('/f', [file('/f/.DS_Store'), file('/f/Thumbs.db'), file('/f/~$report.docx')]),
      folder('/.git', [file('/.git/config')]),
    ]);
    expect(found).toEqual([]);
  });

  it('is taken at the limit and refused one past it', async () => {
    const three = [file('/a'), file('/b'), file('/c')];
    expect(await filesOfEntries(three, 3)).toHaveLength(3);
    await expect(filesOfEntries(three, 2)).rejects.toBeInstanceOf(TooManyFiles);
  });
});
