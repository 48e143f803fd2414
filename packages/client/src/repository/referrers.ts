import {
  type CallOptions,
  type Descriptor,
  type Digest,
  OciError,
  artifactTypeOf,
  emptyDescriptor,
  isOciError,
  mediaTypes,
  parseContentType,
} from '@oci/spec-types';
import { parseRegistryErrors, registryPaths } from '@oci/spec-types/registry-api';

import { header } from '../transport/exchange.js';
import type { Endpoint } from './endpoint.js';
import { nextPage, nextPageFailed } from './link-header.js';
import { descriptorsOf, entriesOf, listOf } from './listed-descriptor.js';
import { fetchManifest } from './manifest-source.js';
import { type ReferrersTagOptions, readReferrersTag } from './referrers-tag.js';
import { type WholeAnswer, fetchWhole } from './whole-answer.js';

export interface ReferrersOptions extends ReferrersTagOptions {
  /** Only those of this artifact type. */
  readonly artifactType?: string | undefined;
}

/** Of one subject, whatever their type: each may be fetched next, so a list without end is an attack. */
const mostReferrers = 10_000;
/** Entries of a list without types that are looked into for one type. */
const mostLooks = 1000;
/** Pages of this many times the limit of one. */
const mostFullPages = 16;

/**
 * What refers to a manifest as its subject, in the registry's words: who fetches one has to see that
 * its subject is this. By the referrers API, page by page, else by the referrers tag (distribution-spec,
 * "Listing Referrers").
 *
 * @throws OciError `LIMIT_EXCEEDED` beyond 10000 (GHSA-298f-872v-2rcx, CVE-2023-46737), `POLICY_REFUSED`,
 * `PROTOCOL`, `DOCUMENT_INVALID`
 */
export async function* listReferrers(
  endpoint: Endpoint,
  subject: Digest,
  options: ReferrersOptions,
): AsyncGenerator<Descriptor, void, undefined> {
  const { artifactType, ...remote } = options;
  let count = 0;
  let looks = 0;
  for await (const page of referrerPages(endpoint, { subject, artifactType }, remote)) {
    count += page.referrers.length;
    if (count > mostReferrers) throw tooMany(endpoint, subject);
    for (const referrer of page.referrers) {
      if (artifactType === undefined || page.isFiltered) yield referrer;
      else if (referrer.artifactType === artifactType) yield referrer;
      else if (!saysType(referrer)) {
        looks += 1;
        if (looks > mostLooks) throw tooMany(endpoint, subject);
        const whole = await lookInto(endpoint, { referrer, subject }, remote);
        if (whole?.artifactType === artifactType) yield whole;
      }
    }
  }
}

/** A list that another client wrote may name no types, or those of empty configs (sigstore/cosign#4641). */
function saysType({ artifactType }: Descriptor): boolean {
  return artifactType !== undefined && artifactType !== emptyDescriptor.mediaType;
}

/** The entry with the type and the annotations of its manifest; undefined when it cannot be read. */
async function lookInto(
  endpoint: Endpoint,
  { referrer, subject }: { referrer: Descriptor; subject: Digest },
  options: CallOptions,
): Promise<Descriptor | undefined> {
  try {
    const manifest = await fetchManifest(endpoint, referrer, options);
    const artifactType = artifactTypeOf(manifest);
    const { annotations } = manifest.document;
    return {
      ...manifest.descriptor,
      ...(artifactType !== undefined && { artifactType }),
      ...(annotations && { annotations }),
    };
  } catch (error) {
    if (!isOciError(error, ...unreadable)) throw error;
    const message = `${referrer.digest}, a referrer of ${endpoint.name}@${subject}, cannot be read: ${error.message}`;
    options.onEvent?.({ type: 'warning', message });
    return undefined;
  }
}

/** What is wrong with one entry says nothing of the others. */
const unreadable = [
  'MANIFEST_UNKNOWN',
  'DIGEST_MISMATCH',
  'DIGEST_UNSUPPORTED',
  'DOCUMENT_INVALID',
  'LIMIT_EXCEEDED',
  'UNSUPPORTED',
] as const;

/** Whether a repository has the referrers API; asked once, with a subject that is at hand. */
export async function hasReferrersApi(
  endpoint: Endpoint,
  subject: Digest,
  options: CallOptions,
): Promise<boolean> {
  const known = endpoint.referrers.hasApi.get(endpoint.name);
  if (known !== undefined) return known;
  const target = new URL(registryPaths.referrers(endpoint.name, subject), endpoint.origin);
  return isPage(await getPage(endpoint, { target, subject }, options));
}

interface ReferrerPage {
  readonly referrers: readonly Descriptor[];
  /** Whether the registry has left out what has another artifact type. */
  readonly isFiltered: boolean;
}

interface ReferrersAsk {
  readonly subject: Digest;
  readonly artifactType: string | undefined;
}

/** The pages of the API, and where it has no answer the list under the referrers tag. */
async function* referrerPages(
  endpoint: Endpoint,
  ask: ReferrersAsk,
  options: ReferrersTagOptions,
): AsyncGenerator<ReferrerPage, void, undefined> {
  const { subject } = ask;
  const failure = yield* apiPages(endpoint, ask, options);
  if (failure === 'complete') return;
  const list = await readReferrersTag(endpoint, subject, options);
  if (list === 'other') warnOfOther(endpoint, subject, options);
  else if (list !== undefined && list !== 'subject')
    yield { referrers: known(descriptorsOf(list.entries, options), endpoint), isFiltered: false };
  // Without the API's answer nobody knows that there is nothing.
  else if (failure) throw failure;
}

/**
 * The pages of the API.
 *
 * @returns `complete` behind the last page; why there is none, as far as that is known
 */
async function* apiPages(
  endpoint: Endpoint,
  { subject, artifactType }: ReferrersAsk,
  options: CallOptions,
): AsyncGenerator<ReferrerPage, 'complete' | OciError | undefined, undefined> {
  const { limits, name, origin } = endpoint;
  const filter = artifactType === undefined ? {} : { artifactType };
  let target: URL | undefined = new URL(registryPaths.referrers(name, subject, filter), origin);
  const seen = new Set<string>();
  let size = 0;
  while (target && endpoint.referrers.hasApi.get(name) !== false) {
    if (seen.has(target.href))
      throw new OciError('PROTOCOL', `${target.host} sends a pagination loop`);
    seen.add(target.href);
    const page = await getPage(endpoint, { target, subject }, options).catch((error: unknown) => {
      throw seen.size > 1 ? nextPageFailed(error) : error;
    });
    if (!isPage(page)) {
      if (seen.size === 1) return page;
      throw page ?? lostList(origin);
    }
    size += page.bytes.byteLength;
    if (seen.size > limits.pages || size > mostFullPages * limits.pageBytes)
      throw tooMany(endpoint, subject);
    yield readPage(page, endpoint, options);
    target = nextPage(header(page.response, 'link'), target);
  }
  if (!target) return 'complete';
  if (seen.size > 0) throw lostList(origin);
  return undefined;
}

function lostList({ host }: URL): OciError {
  return new OciError('PROTOCOL', `${host} loses its list in the middle`);
}

function readPage(
  { bytes, response }: WholeAnswer,
  endpoint: Endpoint,
  options: CallOptions,
): ReferrerPage {
  const filters = header(response, 'oci-filters-applied') ?? '';
  return {
    referrers: known(entriesOf(bytes, options), endpoint),
    isFiltered: /(?:^|,)\s*artifactType\s*(?:,|$)/i.test(filters),
  };
}

/** Notes what the registry says beside digests, which decides nothing when the content is fetched. */
function known(referrers: readonly Descriptor[], { hints }: Endpoint): readonly Descriptor[] {
  for (const referrer of referrers) hints.add(referrer);
  return referrers;
}

function isPage(answer: WholeAnswer | OciError | undefined): answer is WholeAnswer {
  return answer !== undefined && 'bytes' in answer;
}

/** Failures of the API that leave the tag to be asked (GHCR when it is busy). */
const leavesTag = ['RATE_LIMITED', 'REGISTRY_UNAVAILABLE', 'DENIED'] as const;

/**
 * One page of the API; undefined where there is none, which is remembered, and the failure where only the
 * tag may still tell.
 */
async function getPage(
  endpoint: Endpoint,
  { target, subject }: { target: URL; subject: Digest },
  options: CallOptions,
): Promise<WholeAnswer | OciError | undefined> {
  const { limits, name } = endpoint;
  const { hasApi } = endpoint.referrers;
  const ask = {
    ...options,
    method: 'GET',
    target,
    headers: { accept: mediaTypes.imageIndex },
    subject: { name: `the referrers of ${name}@${subject}`, missing: 'UNSUPPORTED' },
    // GHCR leads to a web page (artifacthub/hub#4785), which is no list and may be busy.
    staysHere: true,
    expected: [200, 301, 302, 303, 307, 308, 400, 404, 405, 406, 501],
  } as const;
  let page: WholeAnswer;
  try {
    page = await fetchWhole(endpoint, ask, limits.pageBytes);
  } catch (error) {
    if (hasApi.get(name) === true || !isOciError(error, ...leavesTag)) throw error;
    return error;
  }
  if (page.response.status === 200 && isIndex(page)) {
    hasApi.set(name, true);
    return page;
  }
  // A repository that is not there yet says nothing of what the registry can, nor does a bad request of another one.
  const says = parseRegistryErrors(page.bytes).map(({ code }) => code);
  const isGeneral = page.response.status !== 400 && !says.includes('NAME_UNKNOWN');
  if (isGeneral && hasApi.get(name) !== true) hasApi.set(name, false);
  return undefined;
}

/** Some servers answer every path with 200 and a page for people; others do not say what a list is. */
function isIndex({ response, bytes }: WholeAnswer): boolean {
  const type = parseContentType(header(response, 'content-type') ?? '');
  if (type === mediaTypes.imageIndex) return true;
  return type !== 'text/html' && listOf(bytes) !== undefined;
}

/** A list may have been cut, or overwritten: nobody knows what was in it. */
function warnOfOther(
  { name }: Endpoint,
  subject: Digest,
  { onEvent, onUnread }: ReferrersTagOptions,
): void {
  const message = `the referrers tag of ${name}@${subject} holds no list of referrers`;
  onEvent?.({ type: 'warning', message });
  onUnread?.(new OciError('DOCUMENT_INVALID', message));
}

function tooMany({ origin }: Endpoint, subject: Digest): OciError {
  return new OciError('LIMIT_EXCEEDED', `${origin.host} names too many referrers of ${subject}`, {
    hint: `More than ${mostReferrers}, or more pages or bytes than are read of a list: ask who runs it.`,
  });
}
