import type { OciError } from '@oci/spec-types';

/**
 * How a check ended, as `ocictl doctor` has it: `ok`; `warning`, it works with something to know; `missing`, the
 * storage lacks what the server can do without; `problem`, the server cannot rely on it; `skipped`, it was not tried.
 */
export type CheckOutcome = 'ok' | 'warning' | 'missing' | 'problem' | 'skipped';

/** The checks, in their order. */
export const checkNames = [
  'connection',
  'create',
  'replace',
  'reads',
  'lists',
  'order',
  'facts',
  'ranges',
  'deletion',
  'long-keys',
  'parts',
  'clock',
  'rename',
  'durability',
  'lock',
  'file-system',
  'space',
  'cleanup',
] as const;

export type CheckName = (typeof checkNames)[number];

/** The names of faults; `docs/errors.md` has a line for each. */
export type FaultCode =
  | 'STORAGE_UNREACHABLE'
  | 'CREATE_NOT_EXCLUSIVE'
  | 'REPLACE_NOT_CONDITIONAL'
  | 'READ_STALE'
  | 'LIST_STALE'
  | 'LIST_UNORDERED'
  | 'LIST_INCOMPLETE'
  | 'RANGE_WRONG'
  | 'DELETE_INEFFECTIVE'
  | 'KEY_TOO_LONG'
  | 'PARTS_WRONG'
  | 'PARTS_LEFT'
  | 'CLOCK_DISTANT'
  | 'RENAME_FAILED'
  | 'FSYNC_UNSUPPORTED'
  | 'LOCK_NOT_EXCLUSIVE'
  | 'SPACE_LOW'
  | 'LEFT_BEHIND';

interface Fault {
  /** What it means for a server. */
  readonly meaning: string;
  /** What to do about it. */
  readonly hint: string;
}

export const faults: Readonly<Record<FaultCode, Fault>> = {
  STORAGE_UNREACHABLE: {
    meaning: 'no server can start on it',
    hint: 'Correct what the message names: endpoint, bucket, credentials, or permissions.',
  },
  CREATE_NOT_EXCLUSIVE: {
    meaning: 'two replicas would lose pushes: both believe that they were first',
    hint: 'Use a service that honours If-None-Match: * on PutObject, or one server alone.',
  },
  REPLACE_NOT_CONDITIONAL: {
    meaning: 'two replicas would lose pushes: one overwrites what the other wrote',
    hint: 'Use a service that honours If-Match on PutObject, or one server alone.',
  },
  READ_STALE: {
    meaning: 'a pull behind a push may find the content of before, or none',
    hint: 'Use a service with strong consistency, and no cache in front of it.',
  },
  LIST_STALE: {
    meaning: 'a collection may remove content that was just pushed',
    hint: 'Use a service with strongly consistent lists, and no cache in front of it.',
  },
  LIST_UNORDERED: {
    meaning: 'pages of tags and of the catalog would lack entries',
    hint: 'Use a general purpose bucket, whose lists are in byte order and honour start-after.',
  },
  LIST_INCOMPLETE: {
    meaning: 'a collection cannot tell what is new from what is left over',
    hint: 'Use a service whose lists have size and time of each object.',
  },
  RANGE_WRONG: {
    meaning: 'clients that go on with a download would get other bytes',
    hint: 'Use a service that honours Range, and no proxy that changes answers.',
  },
  DELETE_INEFFECTIVE: {
    meaning: 'what is deleted would be served on, and no space be given back',
    hint: 'Let the policy of the bucket, or the permissions of the directory, allow deletion.',
  },
  KEY_TOO_LONG: {
    meaning: 'repositories and tags with long names could not be pushed',
    hint: 'Use another file system or service, or a shorter prefix.',
  },
  PARTS_WRONG: {
    meaning: 'blobs of more than 8 MiB would be stored damaged, or not at all',
    hint: 'Use a service with working multipart uploads and UploadPartCopy.',
  },
  PARTS_LEFT: {
    meaning: 'pushes that break off leave parts, which are paid for',
    hint: 'Give the bucket a lifecycle rule that ends incomplete multipart uploads after two days.',
  },
  CLOCK_DISTANT: {
    meaning: 'the service refuses requests, and the age of objects is not known',
    hint: 'Set the clocks of this machine and of the service, by NTP for example.',
  },
  RENAME_FAILED: {
    meaning: 'a push could not replace a record as a whole',
    hint: 'Use a local file system, mounted for writing.',
  },
  FSYNC_UNSUPPORTED: {
    meaning: 'what was acknowledged may be lost with the power',
    hint: 'Use a file system that can write through to the disk.',
  },
  LOCK_NOT_EXCLUSIVE: {
    meaning: 'two servers could use the directory at once and damage it',
    hint: 'Use a local file system, or NFS 4 without attribute caching.',
  },
  SPACE_LOW: {
    meaning: 'pushes will soon be refused',
    hint: 'Free some space, or use a larger file system.',
  },
  LEFT_BEHIND: {
    meaning: 'objects of the check stay in the storage',
    hint: 'Remove what is below the prefix that is named.',
  },
};

/** Faults with which one server can live, but not several on one bucket. */
const replicaFaults: ReadonlySet<string> = new Set<FaultCode>([
  'CREATE_NOT_EXCLUSIVE',
  'REPLACE_NOT_CONDITIONAL',
]);

/** What a check says of itself; its name is known. */
export type Finding =
  | {
      readonly outcome: 'ok' | 'missing' | 'skipped';
      /** One sentence for people. */
      readonly summary: string;
      readonly evidence?: Evidence | undefined;
    }
  | {
      readonly outcome: 'warning' | 'problem';
      readonly code: FaultCode;
      readonly summary: string;
      readonly evidence?: Evidence | undefined;
      readonly error?: OciError | undefined;
    };

type Evidence = Readonly<Record<string, string | number | boolean>>;

export type StorageCheck = Finding & { readonly name: CheckName };

/** How long requests of one kind took, in milliseconds. */
export interface Latency {
  readonly operation: string;
  readonly requests: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

/** What a storage can. */
export interface StorageReport {
  readonly kind: 'file' | 's3';
  readonly checks: readonly StorageCheck[];
  readonly latencies: readonly Latency[];
  /** Whether a server can use it. */
  readonly isFit: boolean;
  /** Whether several servers can use it at the same time; false where that was not tried. */
  readonly isFitForReplicas: boolean;
}

export function judge(
  kind: StorageReport['kind'],
  checks: readonly StorageCheck[],
  latencies: readonly Latency[],
): StorageReport {
  const problems = checks.filter(({ outcome }) => outcome === 'problem');
  const isFit = problems.every((check) => 'code' in check && replicaFaults.has(check.code));
  const isRaced = checks.some(({ name, outcome }) => name === 'replace' && outcome === 'ok');
  const isFitForReplicas = kind === 's3' && isRaced && problems.length === 0;
  return { kind, checks, latencies, isFit, isFitForReplicas };
}
