import { OciError, type ResolvedManifest, annotations } from '../index.js';

/**
 * The value of `org.opencontainers.image.created` (RFC 3339, to the second) for an artifact that is made now. The
 * variable `SOURCE_DATE_EPOCH`, seconds since the epoch by the reproducible-builds convention, sets the time.
 *
 * @throws OciError `USAGE` for a `SOURCE_DATE_EPOCH` that is not such a number
 */
export function creationTime(date: Date = sourceDate() ?? new Date()): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z');
}

function sourceDate(): Date | undefined {
  const seconds = process.env['SOURCE_DATE_EPOCH'];
  if (seconds === undefined || seconds === '') return undefined;
  if (/^\d{1,11}$/.test(seconds)) return new Date(Number(seconds) * 1000);
  throw new OciError('USAGE', 'SOURCE_DATE_EPOCH is not a number of seconds since 1970', {
    hint: 'Unset it, or set it as: export SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)',
  });
}

/**
 * Tells whether two manifests differ in their creation time alone, so that publishing one where the other is published
 * changes nothing. Keys in another order are a difference.
 */
export function isSameButCreated(one: ResolvedManifest, other: ResolvedManifest): boolean {
  return undated(one) === undated(other);
}

function undated({ bytes }: ResolvedManifest): string {
  const document = JSON.parse(Buffer.from(bytes).toString('utf8')) as Partial<ResolvedDocument>;
  const { [annotations.created]: _, ...rest } = document.annotations ?? {};
  return JSON.stringify({ ...document, annotations: rest });
}

type ResolvedDocument = ResolvedManifest['document'];
