import { mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';

import { TemporaryFiles, onStorage } from '@oci/spec-types/node';

import { ContentStore, type DamageListener } from './content-store.js';
import { Downloads } from './downloads.js';
import { LayoutIndex } from './layout-index.js';
import { ownEntries } from './layout.js';
import { ReferenceStore } from './reference-store.js';
import { FileObjectStore, type FileObjectStoreOptions } from './store/file-object-store.js';
import { ViewStore } from './view-store.js';

export interface CacheOptions extends FileObjectStoreOptions {
  /** Hears of content that was found damaged, and is being fetched again. */
  readonly onDamage?: DamageListener | undefined;
}

/** A cache directory; what is in it is described in `layout.ts`. */
export interface Cache {
  /** Absolute. */
  readonly dir: string;
  readonly content: ContentStore;
  readonly downloads: Downloads;
  readonly references: ReferenceStore;
  readonly index: LayoutIndex;
  readonly views: ViewStore;
  stats(): Promise<{ readonly blobs: number; readonly bytes: number }>;
  /** Removes everything that the cache put into the directory, and nothing else. */
  clear(): Promise<void>;
}

/** Opens a cache directory, which is made when it is missing. @throws OciError `STORAGE_…` */
export async function openCache(dir: string, options: CacheOptions = {}): Promise<Cache> {
  const root = resolve(dir);
  await onStorage({ path: root }, () => mkdir(root, { recursive: true }));
  const store = new FileObjectStore(root, options);
  const content = new ContentStore(store, options.onDamage);
  return {
    dir: root,
    content,
    downloads: new Downloads(root, content),
    references: new ReferenceStore(store),
    index: new LayoutIndex(store, root),
    views: new ViewStore(root, new TemporaryFiles(join(root, '.tmp'))),
    stats: () => content.stats(),
    async clear() {
      for (const entry of ownEntries) {
        const path = join(root, entry);
        await onStorage({ path }, () => rm(path, { recursive: true, force: true }));
      }
    },
  };
}
