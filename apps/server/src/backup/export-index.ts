import { join } from 'node:path';

import {
  type Descriptor,
  type Digest,
  OciError,
  type Tag,
  annotations,
  isDigest,
  isMediaType,
  isTag,
  maxManifestSize,
  mediaTypes,
} from '@oci/spec-types';

import type { UsageRecord } from '../hosted/rules/pull-counts.js';
import { chunksOf, openContained } from './contained-file.js';
import { exportAnnotations } from './export-format.js';

/** What an exported repository lists: a manifest, or a tag with its manifest. */
export interface IndexEntry {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly pushedAt?: number | undefined;
  readonly usage?: UsageRecord | undefined;
  /** What the manifest names and the repository did not have. */
  readonly missing?: readonly Digest[] | undefined;
}

/** The content of the `index.json` of an exported repository. */
export interface ExportIndex {
  readonly manifests: Map<Digest, IndexEntry>;
  readonly tags: Map<Tag, IndexEntry>;
}

const head = `{"schemaVersion":2,"mediaType":"${mediaTypes.imageIndex}","manifests":[`;
const end = ']}';
/** Bytes of a line: a manifest may name so many digests that are missing. */
const maxLineBytes = 2 * maxManifestSize;

/** Writes an index, an entry a line, so that no reader has to hold it as a whole: manifests first, then tags. */
export async function* formatIndex({
  manifests,
  tags,
}: ExportIndex): AsyncGenerator<Uint8Array, void, undefined> {
  let before = `${head}\n`;
  for (const entry of manifests.values()) {
    yield Buffer.from(before + lineOf(entry));
    before = ',\n';
  }
  for (const [tag, entry] of tags) {
    yield Buffer.from(before + lineOf(entry, tag));
    before = ',\n';
  }
  yield Buffer.from(before === ',\n' ? `\n${end}\n` : `${before}${end}\n`);
}

function lineOf(
  { mediaType, digest, size, pushedAt, usage, missing = [] }: IndexEntry,
  tag?: Tag,
): string {
  const entry: Descriptor = {
    mediaType,
    digest,
    size,
    annotations: {
      ...(tag !== undefined && { [annotations.refName]: tag }),
      ...(pushedAt !== undefined && {
        [exportAnnotations.pushed]: new Date(pushedAt).toISOString(),
      }),
      ...(usage && {
        [exportAnnotations.pulls]: String(usage.pulls),
        [exportAnnotations.pulled]: new Date(usage.lastPulledAt).toISOString(),
      }),
      ...(missing.length > 0 && { [exportAnnotations.missing]: missing.join(' ') }),
    },
  };
  return JSON.stringify(entry);
}

/**
 * Reads what {@link formatIndex} wrote; undefined when there is no such file.
 *
 * @throws OciError `DOCUMENT_INVALID`, `POLICY_REFUSED`, `STORAGE_…`
 */
export async function readIndex(root: string, relative: string): Promise<ExportIndex | undefined> {
  const opened = await openContained(root, relative);
  if (!opened) return undefined;
  const path = join(root, relative);
  const index: ExportIndex = { manifests: new Map(), tags: new Map() };
  let number = 0;
  let isEnded = false;
  for await (const line of linesOf(chunksOf(opened, path), path)) {
    number += 1;
    if (isEnded || (number === 1 && line !== head)) throw invalid(path, number);
    if (number === 1) continue;
    isEnded = line === end;
    if (!isEnded && !take(line, index)) throw invalid(path, number);
  }
  if (!isEnded) throw invalid(path, number);
  return index;
}

/** @returns false for what is no entry */
function take(line: string, { manifests, tags }: ExportIndex): boolean {
  const parsed = parsedLine(line);
  if (!parsed) return false;
  const { tag, entry } = parsed;
  if (tag === undefined) manifests.set(entry.digest, entry);
  else if (isTag(tag)) tags.set(tag, entry);
  else return false;
  return true;
}

function parsedLine(
  line: string,
): { readonly tag: unknown; readonly entry: IndexEntry } | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line.endsWith(',') ? line.slice(0, -1) : line);
  } catch {
    return undefined;
  }
  const { mediaType, digest, size, annotations: given } = fieldsOf(value);
  const notes = fieldsOf(given);
  if (!isMediaType(mediaType) || !isDigest(digest) || !isSize(size)) return undefined;
  const missing = listOf(notes[exportAnnotations.missing]);
  const [pushedAt, lastPulledAt] = [exportAnnotations.pushed, exportAnnotations.pulled].map((key) =>
    timeOf(notes[key]),
  );
  if (!missing.every(isDigest) || Number.isNaN(pushedAt) || Number.isNaN(lastPulledAt))
    return undefined;
  const pulls = Number(notes[exportAnnotations.pulls] ?? 0);
  const usage =
    lastPulledAt !== undefined && Number.isSafeInteger(pulls) ? { pulls, lastPulledAt } : undefined;
  return {
    tag: notes[annotations.refName],
    entry: { mediaType, digest, size, pushedAt, usage, ...(missing.length > 0 && { missing }) },
  };
}

/** Milliseconds since the epoch; NaN for what is no time behind it. */
function timeOf(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const time = Date.parse(text);
  return time >= 0 ? time : Number.NaN;
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function listOf(text: unknown): readonly string[] {
  return typeof text === 'string' && text !== '' ? text.split(' ') : [];
}

function isSize(value: unknown): value is number {
  return (
    typeof value === 'number' &&
    Number.isSafeInteger(value) &&
    value >= 0 &&
    value <= maxManifestSize
  );
}

async function* linesOf(
  body: AsyncIterable<Uint8Array>,
  path: string,
): AsyncGenerator<string, void, undefined> {
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      yield Buffer.concat([...parts, rest.subarray(0, at)]).toString('utf8');
      parts = [];
      length = 0;
      rest = rest.subarray(at + 1);
    }
    length += rest.byteLength;
    if (length > maxLineBytes)
      throw new OciError('LIMIT_EXCEEDED', `${path} has a line of more than ${maxLineBytes} bytes`);
    if (rest.byteLength > 0) parts.push(rest);
  }
  if (parts.length > 0) yield Buffer.concat(parts).toString('utf8');
}

function invalid(path: string, line: number): OciError {
  return new OciError(
    'DOCUMENT_INVALID',
    `${path}, line ${line}: not as oci-server export writes it`,
    {
      hint: 'Export the repository again, into another directory.',
    },
  );
}
