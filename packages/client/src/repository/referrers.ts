import {
  type Descriptor,
  type Digest,
  OciError,
  mediaTypes,
  parseContentType,
  parseManifest,
  parseRegistryErrors,
  parseStrictJson,
  registryPaths,
} from '@oci/spec-types';

import { type RegistryResponse, header } from '../transport/exchange.js';
import type { Endpoint, RemoteOptions } from './endpoint.js';
import { nextPage } from './link-header.js';
import { referrersKnowledge } from './referrers-api.js';
import { readReferrersTag } from './referrers-tag-list.js';
import { type WholeAnswer, fetchWhole } from './whole-answer.js';

export interface ReferrersOptions extends RemoteOptions {
  /** Only those of this artifact type. */
  readonly artifactType?: string | undefined;
}

/** Of one subject, whatever their type: each may be fetched next, so a list without end is an attack. */
const mostReferrers = 10_000;
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
  for await (const page of referrerPages(endpoint, { subject, artifactType }, remote)) {
    count += page.referrers.length;
    if (count > mostReferrers) throw tooMany(endpoint, subject);
    for (const referrer of page.referrers) {
      const isWanted = artifactType === undefined || referrer.artifactType === artifactType;
      if (page.isFiltered || isWanted) yield referrer;
    }
  }
}

/** Whether a repository has the referrers API; asked once, with a subject that is at hand. */
export async function hasReferrersApi(
  endpoint: Endpoint,
  subject: Digest,
  options: RemoteOptions,
): Promise<boolean> {
  const known = referrersKnowledge(endpoint).hasApi.get(endpoint.name);
  if (known !== undefined) return known;
  const target = new URL(registryPaths.referrers(endpoint.name, subject), endpoint.origin);
  return (await getPage(endpoint, { target, subject }, options)) !== undefined;
}

interface ReferrerPage {
  readonly referrers: readonly Descriptor[];
  /** Whether the registry has left out what has another artifact type. */
  readonly isFiltered: boolean;
}

async function* referrerPages(
  endpoint: Endpoint,
  { subject, artifactType }: { subject: Digest; artifactType: string | undefined },
  options: RemoteOptions,
): AsyncGenerator<ReferrerPage, void, undefined> {
  const { limits, name, origin } = endpoint;
  const filter = artifactType === undefined ? {} : { artifactType };
  let target: URL | undefined = new URL(registryPaths.referrers(name, subject, filter), origin);
  const seen = new Set<string>();
  let size = 0;
  while (target && referrersKnowledge(endpoint).hasApi.get(name) !== false) {
    if (seen.has(target.href)) throw new OciError('PROTOCOL', `${target.host} pages in a circle`);
    seen.add(target.href);
    const page = await getPage(endpoint, { target, subject }, options);
    if (!page) break;
    size += page.bytes.byteLength;
    if (seen.size > limits.pages || size > mostFullPages * limits.pageBytes) {
      throw tooMany(endpoint, subject);
    }
    const isFiltered = /(?:^|,)\s*artifactType\s*(?:,|$)/i.test(
      header(page.response, 'oci-filters-applied') ?? '',
    );
    yield { referrers: referrersOf(page.bytes), isFiltered };
    target = nextPage(header(page.response, 'link'), target);
    if (!target) return;
  }
  if (seen.size > 1) throw new OciError('PROTOCOL', `${origin.host} loses its list in the middle`);
  const list = await readReferrersTag(endpoint, subject, options);
  if (list === 'other') warnOfOther(endpoint, subject, options);
  else yield { referrers: list?.index.manifests ?? [], isFiltered: false };
}

/** One page of the API; undefined where there is none, which is remembered. */
async function getPage(
  endpoint: Endpoint,
  { target, subject }: { target: URL; subject: Digest },
  options: RemoteOptions,
): Promise<WholeAnswer | undefined> {
  const { limits, name } = endpoint;
  const { hasApi } = referrersKnowledge(endpoint);
  const ask = {
    ...options,
    method: 'GET',
    target,
    headers: { accept: mediaTypes.imageIndex },
    subject: { name: `the referrers of ${name}@${subject}`, missing: 'UNSUPPORTED' },
    expected: [200, 404, 405],
  } as const;
  const page = await fetchWhole(endpoint, ask, limits.pageBytes);
  if (page.response.status === 200 && isIndex(page.response)) {
    hasApi.set(name, true);
    return page;
  }
  // A repository that is not there yet says nothing of what the registry can.
  const says = parseRegistryErrors(page.bytes).map(({ code }) => code);
  if (!says.includes('NAME_UNKNOWN') && hasApi.get(name) !== true) hasApi.set(name, false);
  return undefined;
}

/** Some servers answer every path with 200 and a page for people. */
function isIndex(response: RegistryResponse): boolean {
  return parseContentType(header(response, 'content-type') ?? '') === mediaTypes.imageIndex;
}

function referrersOf(bytes: Uint8Array): readonly Descriptor[] {
  const value = parseStrictJson(bytes) as { readonly manifests?: unknown } | null;
  // Servers in Go say null where there is nothing.
  if (value?.manifests === null) return [];
  const manifest = parseManifest(bytes, mediaTypes.imageIndex);
  return manifest.kind === 'index' ? manifest.document.manifests : [];
}

function warnOfOther(endpoint: Endpoint, subject: Digest, options: RemoteOptions): void {
  const message = `the referrers tag of ${endpoint.name}@${subject} holds no list of referrers`;
  options.onEvent?.({ type: 'warning', message });
}

function tooMany({ origin }: Endpoint, subject: Digest): OciError {
  return new OciError('LIMIT_EXCEEDED', `${origin.host} names too many referrers of ${subject}`, {
    hint: `More than ${mostReferrers}, or more pages or bytes than are read of a list: ask who runs it.`,
  });
}
