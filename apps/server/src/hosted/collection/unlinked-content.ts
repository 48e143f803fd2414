import type { ListedObject } from '@oci/cache';

import { contentKeyOfLink, keys } from '../keys.js';
import type { Records } from '../records.js';

/** A record of content, as it was listed. */
export interface ListedContent {
  readonly entry: ListedObject;
  /** Whether a repository had it. */
  readonly isLinked: boolean;
}

/** A link to content that was not listed. */
export interface DanglingLink {
  readonly link: ListedObject;
}

/**
 * All content in the order of its digests, with whether a repository has it, and between them the links that lead to
 * none: one list of content beside one of links, which have the same order, so that no digest is asked for on its own.
 * The lists are not of one moment: what seems to be of no use has to be looked at again.
 *
 * @param onLink is called for each link
 */
export async function* contentWithLinks(
  records: Records,
  signal: AbortSignal | undefined,
  onLink: () => void = () => {},
): AsyncGenerator<ListedContent | DanglingLink, void, undefined> {
  const links = counted(records.entries(keys.allLinks, { signal }), onLink);
  try {
    let next = await links.next();
    for await (const entry of records.entries(keys.allContent, { signal })) {
      for (; !next.done && contentKeyOfLink(next.value.key) < entry.key; next = await links.next())
        yield { link: next.value };
      yield { entry, isLinked: !next.done && contentKeyOfLink(next.value.key) === entry.key };
      while (!next.done && contentKeyOfLink(next.value.key) === entry.key)
        next = await links.next();
    }
    for (; !next.done; next = await links.next()) yield { link: next.value };
  } finally {
    await links.return(undefined);
  }
}

async function* counted<T>(
  items: AsyncIterable<T>,
  onItem: () => void,
): AsyncGenerator<T, void, undefined> {
  for await (const item of items) {
    onItem();
    yield item;
  }
}
