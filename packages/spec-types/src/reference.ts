import { type Digest, parseDigest } from './digest.js';
import { OciError } from './error.js';
import { quoted } from './printable.js';
import { type RepositoryName, parseRepositoryName } from './repository-name.js';
import { type Tag, parseTag } from './tag.js';

/** `host[:port]` of a registry, in lower case; IPv6 in brackets. Made only by {@link parseRegistryHost}. */
export type RegistryHost = string & { readonly __brand: 'RegistryHost' };

/**
 * What a user writes to name an artifact: `[host[:port]/]name[:tag][@digest]`
 * (the grammar and the normalisation that docker, oras and crane share).
 *
 * With both a tag and a digest, the digest decides and the tag is kept for display only.
 */
export interface Reference {
  readonly registry: RegistryHost;
  readonly repository: RepositoryName;
  readonly tag?: Tag;
  readonly digest?: Digest;
}

const hostLabel = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const hostGrammar = new RegExp(
  `^(${hostLabel}(?:\\.${hostLabel})*|\\[[a-fA-F0-9:]+\\])(?::([1-9][0-9]{0,4}))?$`,
);
const dockerHub = 'docker.io';
const bareHex = /^[a-f0-9]{64}$/;
const withoutScheme = 'A reference has no https:// in front: it begins with the host.';

/** @throws OciError `REFERENCE_INVALID` */
export function parseRegistryHost(text: string): RegistryHost {
  if (typeof text !== 'string') throw invalid(text, 'the registry is not text');
  const match = text.length <= 255 ? hostGrammar.exec(text) : null;
  const name = canonicalName(match?.[1] ?? '');
  const port = match?.[2];
  const host = port === undefined ? name : `${name}:${port}`;
  // Without a letter, "." or ":" no reference could name it: it would be read as part of a path.
  if (name === undefined || Number(port ?? 0) > 65_535 || !/[a-z.:]/.test(host ?? '')) {
    const hint = text.includes('://') ? withoutScheme : undefined;
    throw invalid(text, 'the registry is not host[:port]', hint);
  }
  return (host === 'index.docker.io' ? dockerHub : host) as RegistryHost;
}

/** The host as a URL holds it. One that a URL takes for another (0x7f.1 for 127.0.0.1) is none. */
function canonicalName(name: string): string | undefined {
  if (name === '' || !URL.canParse(`https://${name}`)) return undefined;
  const { hostname } = new URL(`https://${name}`);
  return name.startsWith('[') || hostname === name.toLowerCase() ? hostname : undefined;
}

/**
 * Parses a reference. Without a host it is of `docker.io`, where a name of one component is below
 * `library/`. A missing tag stays missing: see {@link withDefaultTag}.
 *
 * @throws OciError `REFERENCE_INVALID`, `DIGEST_INVALID`
 */
export function parseReference(text: string): Reference {
  if (typeof text !== 'string') throw invalid(text, 'it is not text');
  if (/^[a-z]+:\/\//i.test(text)) throw invalid(text, 'it is a URL', withoutScheme);
  const at = text.indexOf('@');
  const named = at < 0 ? text : text.slice(0, at);
  const digest = at < 0 ? undefined : parseDigest(text.slice(at + 1));

  const slash = named.indexOf('/');
  const first = slash < 0 ? '' : named.slice(0, slash);
  const hasHost = slash > 0 && looksLikeHost(first);
  const registry = parseRegistryHost(hasHost ? first : dockerHub);
  const rest = hasHost ? named.slice(slash + 1) : named;

  const colon = rest.lastIndexOf(':');
  const path = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : parseTag(rest.slice(colon + 1));
  if (!hasHost && bareHex.test(path)) {
    throw invalid(text, 'a name may not look like a digest', `Write sha256:${path} behind an "@".`);
  }

  const name = registry === dockerHub && !path.includes('/') ? `library/${path}` : path;
  const repository = parseRepositoryName(name);
  if (registry.length + 1 + repository.length > 255)
    throw invalid(text, 'host and name exceed 255 characters');
  return { registry, repository, ...(tag && { tag }), ...(digest && { digest }) };
}

/** The same reference with `latest` when it has neither tag nor digest. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag || reference.digest ? reference : { ...reference, tag: 'latest' as Tag };
}

/**
 * The text of a reference, in full: parsing it gives the same reference. A host of one word is
 * written in capitals, since only then a reader takes it for a host.
 */
export function formatReference(reference: Reference): string {
  const tag = reference.tag ? `:${reference.tag}` : '';
  const digest = reference.digest ? `@${reference.digest}` : '';
  const { registry } = reference;
  const host = looksLikeHost(registry) ? registry : registry.toUpperCase();
  return `${host}/${reference.repository}${tag}${digest}`;
}

/** Where a registry is reached: the name `docker.io` is served by another host. */
export function networkHost(registry: RegistryHost): RegistryHost {
  return registry === dockerHub ? ('registry-1.docker.io' as RegistryHost) : registry;
}

/** The first component is a host iff it is `localhost`, has a "." or ":", or an upper-case letter. */
function looksLikeHost(component: string): boolean {
  return component === 'localhost' || /[.:A-Z]/.test(component);
}

function invalid(text: unknown, why: string, hint?: string): OciError {
  return new OciError('REFERENCE_INVALID', `invalid reference ${quoted(text, 300)}: ${why}`, {
    hint: hint ?? 'A reference looks like registry.example/team/name:1.0.0, or ...@sha256:<hex>.',
  });
}
