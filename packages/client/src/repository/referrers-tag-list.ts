import {
  type Descriptor,
  type Digest,
  OciError,
  type ResolvedManifest,
  artifactTypeOf,
  digestAlgorithm,
  isManifestMediaType,
  isOciError,
  mediaTypes,
  parseContentType,
  parseStrictJson,
  referrersTag,
  registryPaths,
} from '@oci/spec-types';
import { digestOf } from '@oci/spec-types/node';

import { header } from '../transport/exchange.js';
import { pauseBeforeRetry } from '../transport/retry.js';
import { type Endpoint, type RemoteOptions, call } from './endpoint.js';
import { referrersKnowledge } from './referrers-api.js';
import { fetchWhole } from './whole-answer.js';

/** The list that a referrers tag holds, and the version of it that was read. */
export interface ReferrersTagList {
  /** The whole document, with all that others wrote into it. */
  readonly document: Readonly<Record<string, unknown>>;
  readonly entries: readonly unknown[];
  /** A strong one: others can't be compared with (RFC 9110, section 13.1.1). */
  readonly etag: string | undefined;
}

export interface ReferrersTagOptions extends RemoteOptions {
  /** Hears of a tag that may not be read, and is taken for one that is not there. */
  readonly onUnread?: ((error: OciError) => void) | undefined;
}

/**
 * Gets what a referrers tag holds: a list, nothing, the `subject` itself, or something `other` that is no
 * list. Artifactory answers 403 for a tag that is not there (sigstore/cosign#2973), GitLab the manifest whose
 * digest the tag is made of (oras-project/oras#2148).
 */
export async function readReferrersTag(
  endpoint: Endpoint,
  subject: Digest,
  { onUnread, ...options }: ReferrersTagOptions,
): Promise<ReferrersTagList | 'subject' | 'other' | undefined> {
  const { limits, name } = endpoint;
  const tag = referrersTag(subject);
  const ask = {
    ...options,
    // A mirror's copy of the list may be old, and what is written next depends on it.
    skipMirrors: true,
    method: 'GET',
    target: registryPaths.manifest(name, tag),
    headers: { accept: mediaTypes.imageIndex },
    subject: { name: `${name}:${tag}`, missing: 'MANIFEST_UNKNOWN' },
    expected: [200, 404],
  } as const;
  try {
    const { response, bytes } = await fetchWhole(endpoint, ask, limits.manifestBytes);
    if (response.status === 404) return undefined;
    if (isContentOf(subject, bytes)) return 'subject';
    const etag = header(response, 'etag');
    const servedAs = parseContentType(header(response, 'content-type') ?? '');
    const list = parseList(bytes, servedAs);
    return list ? { ...list, etag: etag?.startsWith('"') ? etag : undefined } : 'other';
  } catch (error) {
    if (!isOciError(error, 'DENIED')) throw error;
    onUnread?.(error);
    return undefined;
  }
}

/**
 * Adds a manifest to the list of its subject's referrers, where the registry does not keep one
 * (distribution-spec, "Pushing Manifests with Subject").
 *
 * @throws OciError `PROTOCOL`, `LIMIT_EXCEEDED`, and what a request fails with; the manifest is stored all the same
 */
export function addToReferrersTag(
  endpoint: Endpoint,
  { subject, manifest }: { subject: Digest; manifest: ResolvedManifest },
  options: RemoteOptions,
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
  options: RemoteOptions,
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
  options: RemoteOptions,
): Promise<void> {
  const { changes } = referrersKnowledge(endpoint);
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
  options: RemoteOptions,
): Promise<void> {
  const { retryPolicy, name } = endpoint;
  for (let attempt = 1; attempt <= retryPolicy.attempts; attempt += 1) {
    if (attempt > 1) {
      const reason = `another writer changed the referrers of ${name}@${listChange.subject}`;
      await pauseBeforeRetry(retryPolicy, { ...options, attempt: attempt - 1, reason });
    }
    if (await changeOnce(endpoint, listChange, options)) return;
  }
  throw new OciError(
    'PROTOCOL',
    `the referrers tag of ${name}@${listChange.subject} can't be kept`,
    {
      hint: 'The manifest itself is done; its subject does not name it. Do it again when nobody else writes.',
    },
  );
}

/** @returns whether a reading after the change found it */
async function changeOnce(
  endpoint: Endpoint,
  { subject, change }: ListChange,
  options: RemoteOptions,
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
function warnOfNoList(endpoint: Endpoint, subject: Digest, options: RemoteOptions): void {
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
  options: RemoteOptions,
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

function isContentOf(subject: Digest, bytes: Uint8Array): boolean {
  const algorithm = digestAlgorithm(subject);
  if (algorithm !== 'sha256' && algorithm !== 'sha512') return false;
  return digestOf(bytes, algorithm) === subject;
}

/** An OCI index, whatever its entries are like: each of them is judged for itself. */
function parseList(
  bytes: Uint8Array,
  servedAs: string | undefined,
): Pick<ReferrersTagList, 'document' | 'entries'> | undefined {
  let document: Record<string, unknown>;
  try {
    document = Object(parseStrictJson(bytes)) as Record<string, unknown>;
  } catch {
    // Whatever it is, it is no list, and must not be overwritten.
    return undefined;
  }
  const known = servedAs && isManifestMediaType(servedAs) ? servedAs : mediaTypes.imageIndex;
  const { manifests, config, layers } = document;
  const mediaType = document['mediaType'] || known;
  const entries = manifests ?? [];
  const isList = mediaType === mediaTypes.imageIndex && !config && !layers;
  return isList && Array.isArray(entries) ? { document, entries } : undefined;
}

function tooLarge({ name }: Endpoint, subject: Digest): OciError {
  return new OciError('LIMIT_EXCEEDED', `the list of referrers of ${name}@${subject} is full`, {
    hint: 'The manifest itself is stored. Delete referrers that nobody needs, then push it again.',
  });
}
