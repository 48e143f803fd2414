import type { EventJournal, RegistryEvent } from '../events/journal.js';

/** A removal that an event tells of. */
export interface NotedRemoval {
  /** @returns whether it was removed */
  readonly remove: () => Promise<boolean>;
  /** Tells whether what may have been removed is there. */
  readonly isThere: () => Promise<boolean>;
}

/** Notes a deletion and does it; takes the event back when it is not done. @returns whether it is */
export async function removeNoted(
  journal: EventJournal,
  event: RegistryEvent,
  { remove, isThere }: NotedRemoval,
): Promise<boolean> {
  const prepared = await journal.prepare(event);
  try {
    const isRemoved = await remove();
    if (isRemoved) prepared.confirm();
    else await prepared.takeBack();
    return isRemoved;
  } catch (error) {
    // It may have been removed all the same, and who asks again would not find it.
    if (await isThere().catch(() => false)) await prepared.takeBack();
    else prepared.confirm();
    throw error;
  }
}
