import { createHash } from 'node:crypto';

import {
  type Digest,
  type RepositoryName,
  type Tag,
  digestAlgorithm,
  digestEncoded,
  isDigest,
  isRepositoryName,
} from '@oci/spec-types';

/**
 * The format of hosted storage, version 2: every key is made and parsed here. `docs/storage.md` has the table.
 *
 * Segments keep the order of what they stand for, so that a page of a list is a page of keys, and differ on
 * file systems that ignore case.
 */
const root = 'v2';

export const keys = {
  /** Says that the store is of this version. */
  format: `${root}/format` as string,
  /** Is written and removed to see whether that works. */
  probe: `${root}/probe` as string,
  allData: `${root}/data/` as string,
  /** Bytes of content, or of a piece of an upload. @param id is of {@link newDataId} */
  data: (id: string): string => `${root}/data/${id.slice(0, 2)}/${id.slice(2)}`,
  allContent: `${root}/content/` as string,
  /** Says which data content is. */
  content: (digest: Digest): string => `${root}/content/${digestPath(digest)}`,
  allLinks: `${root}/links/` as string,
  /** Says which repositories have content. */
  links: (digest: Digest): string => `${root}/links/${digestPath(digest)}/`,
  link: (digest: Digest, name: RepositoryName): string =>
    `${root}/links/${digestPath(digest)}/${nameSegment(name)}`,
  /** Events that are to be delivered. */
  events: `${root}/events/` as string,
  /** @param id of an event, in the order of their times */
  event: (id: string): string => `${root}/events/${id}`,
  /** Events that could not be delivered. */
  undeliveredEvents: `${root}/undelivered/` as string,
  undelivered: (id: string): string => `${root}/undelivered/${id}`,
  repositories: `${root}/repositories/` as string,
  /** Says that a repository has a manifest. */
  repository: (name: RepositoryName): string => `${root}/repositories/${nameSegment(name)}`,
  manifests: (name: RepositoryName): string => `${root}/manifests/${nameSegment(name)}/`,
  manifest: (name: RepositoryName, digest: Digest): string =>
    `${root}/manifests/${nameSegment(name)}/${digestSegment(digest)}`,
  tags: (name: RepositoryName): string => `${root}/tags/${nameSegment(name)}/`,
  tag: (name: RepositoryName, tag: Tag): string =>
    `${root}/tags/${nameSegment(name)}/${tagSegment(tag)}`,
  referrers: (name: RepositoryName, subject: Digest): string =>
    `${root}/referrers/${nameSegment(name)}/${digestSegment(subject)}/`,
  referrer: (name: RepositoryName, subject: Digest, digest: Digest): string =>
    `${root}/referrers/${nameSegment(name)}/${digestSegment(subject)}/${digestSegment(digest)}`,
  usages: (name: RepositoryName): string => `${root}/usage/${nameSegment(name)}/`,
  /** How often a manifest was pulled. */
  usage: (name: RepositoryName, digest: Digest): string =>
    `${root}/usage/${nameSegment(name)}/${digestSegment(digest)}`,
  uploads: `${root}/uploads/` as string,
  upload: (session: string): string => `${root}/uploads/${session}`,
  /** How a task of the storage is getting on, which one process runs at a time. */
  task: (name: TaskName): string => `${root}/tasks/${name}`,
  quotas: `${root}/quotas/` as string,
  /** How much of its quota a namespace uses. */
  quota: (namespace: RepositoryName): string => `${root}/quotas/${nameSegment(namespace)}`,
  /** Says for which quotas all content was counted. */
  quotaCoverage: `${root}/quota-coverage` as string,
  allQuarantined: `${root}/quarantine/` as string,
  /** Says that data is not what its digest says. @param id of the data */
  quarantined: (id: string): string => `${root}/quarantine/${id}`,
  /** In front of what one examination of the storage writes, and removes. */
  examination: (id: string): string => `${root}/doctor/${id}/`,
  /** All records of a kind, as `tags`. */
  allOf: (kind: string): string => `${root}/${kind}/`,
} as const;

/** The longest keys that there are of each kind, to try whether a storage takes them. */
export function longestKeys(): readonly string[] {
  const name = 'n'.repeat(255) as RepositoryName;
  const digest = `sha512:${'f'.repeat(128)}` as Digest;
  return [
    keys.link(digest, name),
    keys.manifest(name, digest),
    keys.referrer(name, digest, digest),
    keys.tag(name, 'T'.repeat(128) as Tag),
  ];
}

/** Tasks that work on all of the storage. */
export type TaskName = 'collection' | 'verification' | 'retention' | 'delivery' | 'recount';

/** The tag of a key of {@link keys.tag}. */
export function tagOfKey(key: string): Tag {
  const [, start = lastOf(key), end = ''] = longTagSegment.exec(lastOf(key)) ?? [];
  const text = start.replace(/=(.)/g, (_, letter: string) => letter.toUpperCase());
  return `${text}${end && charactersOf(Number.parseInt(end, 36))}` as Tag;
}

/** The repository of a key of {@link keys.repository}, {@link keys.link} or {@link keys.quota}. */
export function repositoryOfKey(key: string): RepositoryName {
  return lastOf(key).replace(/[.+-]/g, (sign) => fromSign[sign] ?? sign) as RepositoryName;
}

/** Tells whether a key of {@link keys.manifest} or {@link keys.referrer} ends in a digest. */
export function isKeyOfDigest(key: string, digest: Digest): boolean {
  return lastOf(key) === digestSegment(digest);
}

/** The digest of a key of {@link keys.manifest} or {@link keys.usage}; undefined for one that cannot be verified. */
export function digestOfManifestKey(key: string): Digest | undefined {
  const digest = lastOf(key).replace('-', ':');
  return isDigest(digest) && !digest.startsWith(`${unverifiable}:`) ? digest : undefined;
}

/** The digest of a key of {@link keys.content}; undefined for one that cannot be verified. */
export function digestOfContentKey(key: string): Digest | undefined {
  return digestBehind(keys.allContent, key);
}

/** The digest of a key of {@link keys.link}; undefined for one that cannot be verified. */
export function digestOfLinkKey(key: string): Digest | undefined {
  return digestBehind(keys.allLinks, key);
}

function digestBehind(prefix: string, key: string): Digest | undefined {
  const [algorithm, start = '', rest = ''] = key.slice(prefix.length).split('/');
  const digest = `${algorithm}:${start}${rest}`;
  return isDigest(digest) && algorithm !== unverifiable ? digest : undefined;
}

/** The key of the content that a key of {@link keys.link} is of. */
export function contentKeyOfLink(key: string): string {
  return `${keys.allContent}${key.slice(keys.allLinks.length, key.lastIndexOf('/'))}`;
}

/** The id of a key of {@link keys.data}. */
export function idOfDataKey(key: string): string {
  return key.slice(keys.allData.length).replace('/', '');
}

/** The id of a key of {@link keys.event} or {@link keys.undelivered}. */
export function idOfEventKey(key: string): string {
  return lastOf(key);
}

/** The data of a key of {@link keys.quarantined}. */
export function idOfQuarantineKey(key: string): string {
  return lastOf(key);
}

/** What a key of a record of a repository stands for. */
export interface RepositoryKey {
  readonly name: RepositoryName;
  /** Of a manifest, a referrer, or linked content. */
  readonly digest: Digest;
}

/** The repository and digest of a key of {@link keys.link}; undefined for one that this server does not make. */
export function partsOfLinkKey(key: string): RepositoryKey | undefined {
  const [, , algorithm = '', start = '', rest = ''] = key.split('/');
  return repositoryKeyOf(repositoryOfKey(key), `${algorithm}:${start}${rest}`);
}

/** The repository and digest of a key of {@link keys.manifest} or {@link keys.referrer}; undefined as {@link partsOfLinkKey}. */
export function partsOfManifestKey(key: string): RepositoryKey | undefined {
  return repositoryKeyOf(repositoryWithin(key), lastOf(key).replace('-', ':'));
}

/** The repository of a key of {@link keys.tag}, {@link keys.manifest} or {@link keys.referrer}. */
export function repositoryWithin(key: string): RepositoryName {
  return repositoryOfKey(key.split('/', 3).join('/'));
}

function repositoryKeyOf(name: RepositoryName, digest: string): RepositoryKey | undefined {
  return isDigest(digest) && isRepositoryName(name) ? { name, digest } : undefined;
}

/** The session of a key of {@link keys.upload}. */
export function sessionOfKey(key: string): string {
  return lastOf(key);
}

const fromSign: Readonly<Record<string, string>> = { '+': '-', '-': '.', '.': '/' };
const toSign: Readonly<Record<string, string>> = { '-': '+', '.': '-', '/': '.' };

/** One character for each, in the same order, so that 255 of them are a name of 255 bytes. */
function nameSegment(name: RepositoryName): string {
  return name.replace(/[./-]/g, (sign) => toSign[sign] ?? sign);
}

const longTag = /^([A-Z]{126})(..?)$/;
const longTagSegment = /^((?:=[a-z]){126})([0-9a-z]{3})$/;

/**
 * Capitals become `=` and the small letter, which keeps their order. A tag of 128 capitals would need 256 bytes:
 * what follows 126 capitals becomes a number of three digits, whatever it is, so that it keeps its order too.
 */
function tagSegment(tag: Tag): string {
  const [, start = tag, end = ''] = longTag.exec(tag) ?? [];
  const segment = start.replace(/[A-Z]/g, (letter) => `=${letter.toLowerCase()}`);
  return `${segment}${end && numberOf(end).toString(36)}`;
}

/** ASCII codes of one or two characters as a number in their order, of three digits to the base 36. */
function numberOf(characters: string): number {
  return characters.charCodeAt(0) * 128 + (characters.length > 1 ? characters.charCodeAt(1) : 0);
}

function charactersOf(number: number): string {
  const second = number % 128;
  return String.fromCharCode((number - second) / 128, ...(second > 0 ? [second] : []));
}

/** What stands for all other algorithms. */
const unverifiable = 'other';

/** Nothing can be stored under a digest that cannot be verified, so only its hash is a part of a key. */
function digestPath(digest: Digest): string {
  const [algorithm, hex] = keyed(digest);
  return `${algorithm}/${hex.slice(0, 2)}/${hex.slice(2)}`;
}

function digestSegment(digest: Digest): string {
  return keyed(digest).join('-');
}

function keyed(digest: Digest): readonly [algorithm: string, hex: string] {
  const algorithm = digestAlgorithm(digest);
  const encoded = digestEncoded(digest);
  if (/^sha(?:256|512)$/.test(algorithm) && /^[a-f0-9]+$/.test(encoded))
    return [algorithm, encoded];
  return [unverifiable, createHash('sha256').update(digest).digest('hex')];
}

function lastOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
