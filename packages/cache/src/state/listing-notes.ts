import { type Digest, isDigest } from '@oci/spec-types';

import { type ReferenceKey, recordVersion, packageId } from '../cache-format.js';
import type { MarkerFiles } from './marker-files.js';

/** What a listing shows of a tag, as its manifest said. */
export interface ListedTag {
  /** Of the manifest. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes of all layers. */
  readonly size: number;
  /** RFC 3339; null when the publisher did not say. */
  readonly createdAt: string | null;
  /** When the registry said so, in milliseconds since the epoch. */
  readonly resolvedAt: number;
}

type Place = Omit<ReferenceKey, 'tag'>;

/**
 * What listings learned of repositories that nobody pulled from: a file for each, so that the next listing asks for
 * no manifest again. It is not synced; what is lost is asked for once more.
 */
export class ListingNotes {
  readonly #markers: MarkerFiles;

  constructor(markers: MarkerFiles) {
    this.#markers = markers;
  }

  /** By tag; nothing of a file that can't be read. */
  async read(place: Place): Promise<ReadonlyMap<string, ListedTag>> {
    const text = await this.#markers.readAtOnce(packageId(place));
    return new Map(text === undefined ? [] : entriesOf(text, nameOf(place)));
  }

  /** Replaces what is noted of a repository. @throws OciError `STORAGE_…` */
  async write(place: Place, tags: ReadonlyMap<string, ListedTag>): Promise<void> {
    const note: Note = {
      version: recordVersion,
      name: nameOf(place),
      tags: Object.fromEntries(tags),
    };
    await this.#markers.add(packageId(place), JSON.stringify(note));
  }

  /**
   * Drops what is noted of a tag, unless it is that manifest, so that the next listing asks for it.
   *
   * @throws OciError `STORAGE_…`
   */
  async forget({ tag, ...place }: ReferenceKey, unless?: Digest): Promise<void> {
    const noted = new Map(await this.read(place));
    if (noted.get(tag)?.digest !== unless && noted.delete(tag)) await this.write(place, noted);
  }
}

interface Note {
  readonly version: number;
  readonly name: string;
  readonly tags: Readonly<Record<string, ListedTag>>;
}

function nameOf({ registry, repository }: Place): string {
  return `${registry}/${repository}`;
}

/** A file that two processes wrote at once, or one that was killed, may hold anything. */
function entriesOf(text: string, name: string): readonly [string, ListedTag][] {
  try {
    const note = JSON.parse(text) as Partial<Note>;
    if (note.version !== recordVersion || note.name !== name) return [];
    return Object.entries(note.tags ?? {}).filter(([, tag]) => isListedTag(tag));
  } catch {
    return [];
  }
}

function isListedTag({ digest, mediaType, size, createdAt, resolvedAt }: ListedTag): boolean {
  return (
    isDigest(digest) &&
    typeof mediaType === 'string' &&
    Number.isSafeInteger(size) &&
    (createdAt === null || typeof createdAt === 'string') &&
    Number.isSafeInteger(resolvedAt)
  );
}
