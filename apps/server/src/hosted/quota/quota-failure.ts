import { OciError, type RepositoryName } from '@oci/spec-types';

/** How full a namespace is. */
export interface QuotaState {
  readonly namespace: RepositoryName;
  /** The one that is pushed to. */
  readonly repository: RepositoryName;
  /** Bytes that its repositories hold. */
  readonly used: number;
  readonly limit: number;
}

/** A push was refused, as its namespace would hold more than its quota. */
export class QuotaExceeded extends OciError {
  readonly state: QuotaState;
  /** Bytes that the push needs; undefined where it has not said how many. */
  readonly needed: number | undefined;

  constructor(state: QuotaState, needed?: number) {
    const more = needed === undefined ? '' : `, and ${needed} more are needed`;
    const { namespace, used, limit } = state;
    super(
      'DENIED',
      `the quota of ${namespace} is exceeded: ${used} of ${limit} bytes are used${more}`,
      {
        hint: 'Delete manifests that nobody needs and, by their digests, their blobs, or ask for a larger quota.',
      },
    );
    this.state = state;
    this.needed = needed;
  }
}

/** A push has to wait, as nobody knows yet how full its namespace is. */
export class QuotaUncounted extends OciError {
  constructor(namespace: RepositoryName) {
    super('STORAGE_FAILED', `the content of ${namespace} is being counted for its quota`, {
      hint: 'Try again in a few seconds.',
      retryable: true,
    });
  }
}
