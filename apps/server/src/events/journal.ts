import type { Digest, RepositoryName, Tag } from '@oci/spec-types';

/** Who did something, by which request, as the audit log has it. */
export interface Origin {
  /** The subject of the caller. */
  readonly who: string;
  readonly requestId: string;
}

/** Members of every event. */
interface Happening {
  readonly repository: RepositoryName;
  /** Undefined for what the server does itself. */
  readonly by?: Origin | undefined;
}

/** A manifest was pushed, or pushed again. */
interface ManifestPushed extends Happening {
  readonly type: 'manifest.pushed';
  /** Tags that point to it since; none when it was pushed by its digest. */
  readonly tags: readonly Tag[];
  readonly digest: Digest;
  readonly mediaType: string;
  /** Bytes of the manifest. */
  readonly size: number;
  readonly artifactType?: string | undefined;
}

/** A manifest was deleted, and its tags with it. */
interface ManifestDeleted extends Happening {
  readonly type: 'manifest.deleted';
  readonly tags: readonly Tag[];
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
}

/** A tag was deleted; the manifest stays. */
interface TagDeleted extends Happening {
  readonly type: 'tag.deleted';
  readonly tag: Tag;
  /** The manifest that it pointed to. */
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
}

/** A push was refused because its namespace is full. */
interface QuotaReached extends Happening {
  readonly type: 'quota.reached';
  readonly namespace: string;
  /** Bytes. */
  readonly limit: number;
  /** Bytes that the namespace uses. */
  readonly used: number;
}

/** Something that happened to hosted content, and that webhooks can be told of. */
export type RegistryEvent = ManifestPushed | ManifestDeleted | TagDeleted | QuotaReached;

/** An event that is stored, and not delivered by this process yet. */
export interface PreparedEvent {
  /** Says that it happened. */
  confirm(): void;
  /** Removes it: it did not happen. A process that delivers meanwhile may have sent it. */
  takeBack(): Promise<void>;
}

/** Stores events until they are delivered, so that none is lost; none while no webhook wants it. */
export interface EventJournal {
  /**
   * Stores what has happened, before whoever asked for it is answered.
   *
   * @throws OciError `STORAGE_…`, and the event is not stored
   */
  note(event: RegistryEvent): Promise<void>;
  /**
   * Stores what is about to happen and cannot be taken back.
   *
   * @throws OciError `STORAGE_…`, and the event is not stored
   */
  prepare(event: RegistryEvent): Promise<PreparedEvent>;
}

/** The journal of a registry without webhooks. */
export const noJournal: EventJournal = {
  note: async () => {},
  prepare: async () => ({ confirm: () => {}, takeBack: async () => {} }),
};
