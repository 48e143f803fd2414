import type { ListedObject } from '@oci/cache';

import { contentKeyOfLink, keys } from '../keys.js';
import type { Records } from '../records.js';

/** A record of content, as it was listed. */
export interface ListedContent {
  readonly entry: ListedObject;
  /** Whether a repository had it. */
  readonly isLinked: boolean;
}

/**
 * All content in the order of its digests, with whether a repository has it: one list of content beside one of links,
 * which have the same order, so that no digest is asked for on its own. The lists are not of one moment: what seems
 * to be of no repository has to be looked at again.
 */
export async function* contentWithLinks(
  records: Records,
  signal: AbortSignal | undefined,
): AsyncGenerator<ListedContent, void, undefined> {
  const links = records.entries(keys.allLinks, { signal })[Symbol.asyncIterator]();
  const nextLinked = async (): Promise<string | undefined> => {
    const next = await links.next();
    return next.done ? undefined : contentKeyOfLink(next.value.key);
  };
  try {
    let linked = await nextLinked();
    for await (const entry of records.entries(keys.allContent, { signal })) {
      while (linked !== undefined && linked < entry.key) linked = await nextLinked();
      yield { entry, isLinked: linked === entry.key };
    }
  } finally {
    await links.return(undefined);
  }
}
