/** A file on its way in; `path` keeps the folders it was dropped with. */
export interface Incoming {
  file: File;
  path: string;
}

/** What one drop may bring; more than this is an import for `stratmaster ingest`. */
export const MAX_FILES = 2000;

export class TooManyFiles extends Error {
  constructor(readonly limit: number) {
    super(`More than ${limit} files at once.`);
  }
}

const LITTER = /^(\.|Thumbs\.db$|desktop\.ini$|~\$)/i;

/** Files a person never means to add: hidden ones and what operating systems leave behind. */
export function isLitter(name: string): boolean {
  return LITTER.test(name);
}

/** The files of a drop, folders walked to the bottom, in reading order. */
export async function filesOfEntries(
  entries: readonly FileSystemEntry[],
  limit: number = MAX_FILES,
): Promise<Incoming[]> {
  const found: Incoming[] = [];
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (isLitter(entry.name)) return;
    if (isFile(entry)) {
      if (found.length >= limit) throw new TooManyFiles(limit);
      const file = await new Promise<File>((resolve, reject) => {
        entry.file(resolve, reject);
      });
      found.push({ file, path: entry.fullPath.replace(/^\//, '') || file.name });
    } else if (isFolder(entry)) {
      for (const child of await childrenOf(entry)) await walk(child);
    }
  };
  for (const entry of entries) await walk(entry);
  return found;
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}

/** Browsers hand out a folder's entries a hundred at a time, until they hand out none. */
async function childrenOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (batch.length === 0) break;
    all.push(...batch);
  }
  return all.sort((a, b) => a.name.localeCompare(b.name));
}

/** The files of an `<input type="file">`, with the folder a folder picker walked. */
export function filesOfInput(files: FileList | readonly File[]): Incoming[] {
  const all = Array.from(files).filter((file) => !isLitter(file.name));
  if (all.length > MAX_FILES) throw new TooManyFiles(MAX_FILES);
  return all.map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}
