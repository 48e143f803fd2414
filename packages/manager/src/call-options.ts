import type { CallOptions, Digest } from '@oci/spec-types';

/** Returns the options of a call that the registry's client takes, too. */
export function clientCall({ signal, onEvent, forPush }: CallOptions): CallOptions {
  return { signal, onEvent, forPush };
}

/** What every call takes last. */
export interface ManagerCallOptions extends CallOptions {
  /** Another registry than the one that the name belongs to, by `host[:port]` or URL: it is asked, and no other. */
  readonly registry?: string | undefined;
}

export interface PullOptions extends ManagerCallOptions {
  /** A digest, title or media type, when the artifact has several archives. */
  readonly layer?: string | undefined;
  /** A file outside the cache to put it at: it comes also where the cache is full or can't be written. */
  readonly output?: string | undefined;
}

export interface ForgetOptions extends Pick<ManagerCallOptions, 'registry'> {
  /** What is known stays when it is this manifest. */
  readonly unless?: Digest | undefined;
}
