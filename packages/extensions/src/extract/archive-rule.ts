import { OciError, type OciErrorCode, isOciError } from '@oci/spec-types';

/** What an archive may not do, each rule with the words that an error tells it by. */
export const archiveRules = {
  'absolute-path': 'is absolute',
  'parent-path': 'leads out of its directory',
  'forbidden-character': 'has a character that is not allowed in names',
  'trailing-dot': 'ends in a dot or space, which Windows drops',
  'device-name': 'is a device on Windows',
  'not-utf8': 'is not UTF-8',
  'name-length': 'has a name of more than 255 bytes, which file systems do not take',
  'no-name': 'is a file without a name',
  link: 'is a link, and links can lead out of the directory',
  device: 'is a device or pipe',
  'unknown-type': 'is of a type that is neither file nor directory',
  'sparse-file': 'is a sparse file, which tools read differently',
  'same-path': 'is, on some systems, the same path as an entry before it',
  'hidden-header': 'has a header that other tools read differently',
  'two-headers': 'has two headers that differ, so that tools read it differently',
  encrypted: 'is encrypted',
  'entry-count': 'is one entry more than allowed',
  'total-bytes': 'makes the content larger than allowed',
  ratio: 'unpacks to far more than its packed size',
  'path-length': 'has a longer path than allowed',
  depth: 'is deeper than allowed',
} as const;

export type ArchiveRule = keyof typeof archiveRules;

const limits = new Set<ArchiveRule>([
  'entry-count',
  'total-bytes',
  'ratio',
  'path-length',
  'depth',
]);

/** Says which entry broke which rule, and how: `ARCHIVE_UNSAFE`, or `LIMIT_EXCEEDED` for limits. */
export function brokenRule(rule: ArchiveRule, entry: string, detail?: string): OciError {
  const isLimit = limits.has(rule);
  const code: OciErrorCode = isLimit ? 'LIMIT_EXCEEDED' : 'ARCHIVE_UNSAFE';
  const more = detail === undefined ? '' : ` ${detail}`;
  return new OciError(
    code,
    `the archive's entry ${JSON.stringify(entry.slice(0, 200))} ${archiveRules[rule]}${more} (rule ${rule})`,
    {
      hint: isLimit
        ? 'Nothing was unpacked. If the archive is to be trusted, raise the limit.'
        : 'Nothing was unpacked. Do not use this artifact; tell whoever published it.',
    },
  );
}

/** @returns `ARCHIVE_INVALID` */
export function damaged(why: string, cause?: unknown): OciError {
  return new OciError('ARCHIVE_INVALID', `the archive is damaged: ${why}`, {
    cause,
    hint: 'Nothing was unpacked.',
  });
}

/** Rethrows what an archive is refused for with the artifact that it is of: a graph has many. */
export function withPackage(reference: string): (thrown: unknown) => never {
  return (thrown) => {
    if (!isOciError(thrown, 'ARCHIVE_UNSAFE', 'ARCHIVE_INVALID', 'LIMIT_EXCEEDED')) throw thrown;
    const { code, message, hint } = thrown;
    throw new OciError(code, `${reference}: ${message}`, { cause: thrown, hint });
  };
}
