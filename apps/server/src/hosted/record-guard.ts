import { isDigest, isMediaType, isRepositoryName, maxManifestSize } from '@oci/spec-types';

import { idOfEventKey, isKeyOfDigest } from './keys.js';
import type { ManifestRecord } from './manifest-record.js';

type Fields = Readonly<Record<string, unknown>>;
type Guard = (fields: Fields, key: string) => boolean;

/** Guards by the segment of the key that says which kind a record is of. */
const guards: Readonly<Record<string, Guard>> = {
  format: ({ version }) => isCount(version),
  content: ({ data, size, condemned, corrupt }) =>
    isDataId(data) &&
    isCount(size) &&
    (condemned === undefined || typeof condemned === 'boolean') &&
    isOptional(
      corrupt,
      (mark) => isFields(mark) && isText(mark['version']) && isCount(mark['since']),
    ),
  quarantine: ({ digest, size, problem, since }) =>
    isDigest(digest) && isCount(size) && isText(problem) && isCount(since),
  links: ({ kinds, counted, condemned }) =>
    Array.isArray(kinds) &&
    kinds.every((kind) => kind === 'blob' || kind === 'manifest') &&
    isOptional(counted, isShare) &&
    (condemned === undefined || typeof condemned === 'boolean'),
  repositories: ({ since }) => isCount(since),
  manifests: (fields, key) => isManifestRecord(fields, key),
  tags: (fields) => isManifestRecord(fields),
  referrers: isReferrer,
  events: ({ event, webhooks, since }) =>
    isEvent(event) && isListOf(webhooks, isText) && isCount(since),
  undelivered: ({ event, failures, givenUpAt }, key) =>
    isEvent(event) &&
    event['id'] === idOfEventKey(key) &&
    isFields(failures) &&
    Object.values(failures).every(isText) &&
    isCount(givenUpAt),
  usage: ({ pulls, lastPulledAt }) => isCount(pulls) && isCount(lastPulledAt),
  uploads: ({ repository, pieces, closing }) =>
    isRepositoryName(repository) &&
    Array.isArray(pieces) &&
    pieces.every(isPiece) &&
    isOptional(closing, isDigest),
  tasks: ({ runs, run, state }) =>
    isCount(runs) && isOptional(run, isTaskRun) && isOptional(state, isFields),
  quotas: ({ first, era, since, summed, older, current, isUncounted }) =>
    [first, era, since, summed, older, current].every(isCount) &&
    (isUncounted === undefined || typeof isUncounted === 'boolean'),
  'quota-coverage': ({ namespaces }) => Array.isArray(namespaces) && namespaces.every(isText),
};

/** Tells whether a value that was read is a record of the kind that its key says. */
export function isRecord(value: unknown, key: string): value is Fields {
  const [, kind = ''] = key.split('/');
  return isFields(value) && (guards[kind]?.(value, key) ?? true);
}

/**
 * Tells whether a value is the record of a manifest or tag, as both versions of the format have it.
 *
 * @param key of {@link keys.manifest}, which has to be of the same digest
 */
export function isManifestRecord(value: unknown, key?: string): value is ManifestRecord {
  if (!isFields(value)) return false;
  const { mediaType, digest, size, pushedAt, subject, untaggedSince } = value;
  return (
    isMediaType(mediaType) &&
    isDigest(digest) &&
    (key === undefined || isKeyOfDigest(key, digest)) &&
    isCount(size) &&
    size <= maxManifestSize &&
    isCount(pushedAt) &&
    isOptional(subject, isDigest) &&
    isOptional(untaggedSince, isCount)
  );
}

function isReferrer({ mediaType, digest, size, ...rest }: Fields, key: string): boolean {
  const { artifactType, annotations } = rest;
  return (
    isMediaType(mediaType) &&
    isDigest(digest) &&
    isKeyOfDigest(key, digest) &&
    isCount(size) &&
    isOptional(artifactType, isText) &&
    isOptional(annotations, (value) => isFields(value) && Object.values(value).every(isText))
  );
}

function isTaskRun(run: unknown): boolean {
  return isFields(run) && isText(run['id']) && isCount(run['beat']) && isCount(run['beganAt']);
}

function isShare(share: unknown): boolean {
  return isFields(share) && isText(share['in']) && isCount(share['bytes']) && isCount(share['era']);
}

function isEvent(event: unknown): event is Fields {
  return isFields(event) && isText(event['id']) && isText(event['source']);
}

function isListOf(list: unknown, is: (item: unknown) => boolean): boolean {
  return Array.isArray(list) && list.every(is);
}

function isPiece(piece: unknown): boolean {
  return Array.isArray(piece) && piece.length === 2 && isDataId(piece[0]) && isCount(piece[1]);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOptional(value: unknown, is: (value: unknown) => boolean): boolean {
  return value === undefined || is(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isDataId(value: unknown): boolean {
  return isText(value) && /^[0-9a-f]{32}$/.test(value);
}
