import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  type ResolvedManifest,
  artifactTypeOf,
  isOciError,
  mediaTypes,
  referrersTag,
} from '@oci/spec-types';
import { registryPaths } from '@oci/spec-types/registry-api';

import { Attempts } from '../transport/retry-policy.js';
import { type Endpoint, call } from './endpoint.js';
import { type ReferrersTagList, readReferrersTag } from './referrers-tag.js';

/**
 * Adds a manifest to the list of its subject's referrers, where the registry does not keep one
 * (distribution-spec, "Pushing Manifests with Subject").
 *
 * @throws OciError `PROTOCOL`, `LIMIT_EXCEEDED`, and what a request fails with; the manifest is stored all the same
 */
export function addToReferrersTag(
  endpoint: Endpoint,
  { subject, manifest }: { subject: Digest; manifest: ResolvedManifest },
  options: CallOptions,
): Promise<void> {
  const entry = entryOf(manifest);
  const change = (entries: readonly unknown[]): readonly unknown[] =>
    entries.some((other) => isOf(other, entry.digest)) ? entries : [...entries, entry];
  return changeList(endpoint, { subject, change }, options);
}

/** Removes a manifest from the list of a subject's referrers. @throws OciError as {@link addToReferrersTag} */
export function removeFromReferrersTag(
  endpoint: Endpoint,
  { subject, digest }: { subject: Digest; digest: Digest },
  options: CallOptions,
): Promise<void> {
  const change = (entries: readonly unknown[]): readonly unknown[] => {
    const others = entries.filter((entry) => !isOf(entry, digest));
    return others.length === entries.length ? entries : others;
  };
  return changeList(endpoint, { subject, change }, options);
}

function isOf(entry: unknown, digest: Digest): boolean {
  return (Object(entry) as Record<string, unknown>)['digest'] === digest;
}

interface ListChange {
  readonly subject: Digest;
  /** Gives the same list when there is nothing to do. */
  readonly change: (entries: readonly unknown[]) => readonly unknown[];
}

/** One change after the other for each list: of this process none is lost. */
async function changeList(
  endpoint: Endpoint,
  listChange: ListChange,
  options: CallOptions,
): Promise<void> {
  const { changes } = endpoint.referrers;
  const key = `${endpoint.name}@${listChange.subject}`;
  const before = changes.get(key);
  const done = Promise.resolve(before).then(() => changeUntilKept(endpoint, listChange, options));
  const settled = done.catch(() => {});
  changes.set(key, settled);
  try {
    await done;
  } finally {
    if (changes.get(key) === settled) changes.delete(key);
  }
}

/** Again and again, for another writer may have come between and few registries know `If-Match`. */
async function changeUntilKept(
  endpoint: Endpoint,
  listChange: ListChange,
  options: CallOptions,
): Promise<void> {
  const attempts = new Attempts(endpoint.retryPolicy, options);
  const subject = `${endpoint.name}@${listChange.subject}`;
  while (!(await changeOnce(endpoint, listChange, options))) {
    const failure = new OciError('PROTOCOL', `the referrers tag of ${subject} can't be kept`, {
      hint: 'The manifest itself is done; its subject does not name it. Do it again when nobody else writes.',
      retryable: true,
    });
    const reason = `another writer changed the referrers of ${subject}`;
    await attempts.again(failure, { reason });
  }
}

/** @returns whether a reading after the change found it */
async function changeOnce(
  endpoint: Endpoint,
  { subject, change }: ListChange,
  options: CallOptions,
): Promise<boolean> {
  let isSubject = false;
  const read = async (): Promise<ReferrersTagList | undefined> => {
    const list = await readReferrersTag(endpoint, subject, options);
    isSubject = list === 'subject';
    if (list === 'subject') return undefined;
    if (list !== 'other') return list;
    throw new OciError(
      'PROTOCOL',
      `${endpoint.name}:${referrersTag(subject)} is no list of referrers`,
      {
        hint: 'The manifest itself is done. Somebody uses the tag for something else; it was left alone.',
      },
    );
  };
  const list = await read();
  const entries = list?.entries ?? [];
  const changed = change(entries);
  if (changed === entries) return true;
  if (!(await writeList(endpoint, { subject, list, changed }, options))) return false;
  const written = (await read())?.entries ?? [];
  if (isSubject) warnOfNoList(endpoint, subject, options);
  return isSubject || change(written) === written;
}

/** A registry that gives the subject for the tag shows no list, whatever is written. */
function warnOfNoList(endpoint: Endpoint, subject: Digest, options: CallOptions): void {
  const { origin, name } = endpoint;
  const message = `${origin.host} keeps no list of the referrers of ${name}@${subject}: the manifest is stored, and is found by its digest only`;
  options.onEvent?.({ type: 'warning', message });
}

/** @returns false when the registry says that something changed meanwhile */
async function writeList(
  endpoint: Endpoint,
  ask: {
    readonly subject: Digest;
    readonly list: ReferrersTagList | undefined;
    readonly changed: readonly unknown[];
  },
  options: CallOptions,
): Promise<boolean> {
  const { limits, name } = endpoint;
  const tag = referrersTag(ask.subject);
  const index = {
    schemaVersion: 2,
    ...ask.list?.document,
    mediaType: mediaTypes.imageIndex,
    manifests: ask.changed,
  };
  const body = Buffer.from(JSON.stringify(index));
  if (body.byteLength > limits.manifestBytes) throw tooLarge(endpoint, ask.subject);
  try {
    const response = await call(endpoint, {
      ...options,
      method: 'PUT',
      target: registryPaths.manifest(name, tag),
      headers: { 'content-type': mediaTypes.imageIndex, ...condition(ask.list) },
      body,
      subject: { name: `${name}:${tag}`, missing: 'NAME_UNKNOWN' },
      expected: [201],
    });
    await response.body.dump();
    return true;
  } catch (error) {
    if (isOciError(error) && isLostRace(error)) return false;
    throw error;
  }
}

function condition(list: ReferrersTagList | undefined): Readonly<Record<string, string>> {
  if (!list) return { 'if-none-match': '*' };
  return list.etag === undefined ? {} : { 'if-match': list.etag };
}

/** Also when an entry was deleted, by who has yet to take it out of the list. */
function isLostRace({ request, registryErrors }: OciError): boolean {
  const isUnknown = registryErrors.some(({ code }) => code === 'MANIFEST_BLOB_UNKNOWN');
  return request?.status === 412 || request?.status === 409 || isUnknown;
}

function entryOf(manifest: ResolvedManifest): Descriptor {
  const { mediaType, digest, size } = manifest.descriptor;
  const { annotations } = manifest.document;
  const artifactType = artifactTypeOf(manifest);
  return {
    mediaType,
    digest,
    size,
    ...(artifactType !== undefined && { artifactType }),
    ...(annotations && { annotations }),
  };
}

function tooLarge({ name }: Endpoint, subject: Digest): OciError {
  return new OciError('LIMIT_EXCEEDED', `the list of referrers of ${name}@${subject} is full`, {
    hint: 'The manifest itself is stored. Delete referrers that nobody needs, then push it again.',
  });
}
