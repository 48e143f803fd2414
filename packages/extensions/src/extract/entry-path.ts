import { OciError } from '@oci/spec-types';

/** Bytes of a path, and levels of directories. */
export interface PathLimits {
  readonly pathBytes: number;
  readonly depth: number;
}

const windowsDevice =
  /^(?:con|prn|aux|nul|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3]|conin\$|conout\$)(?:\.|$)/i;
// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const forbidden = /[\u0000-\u001f\u007f\\:*?"<>|]/;

/**
 * The components of an entry's path, when it stays inside on every system: relative, without `..`,
 * drive, stream or device names.
 *
 * @throws OciError `ARCHIVE_UNSAFE`, `LIMIT_EXCEEDED`
 */
export function parseEntryPath(path: string, limits: PathLimits): readonly string[] {
  const unsafe = (why: string): never => {
    throw new OciError(
      'ARCHIVE_UNSAFE',
      `the archive has the entry ${JSON.stringify(path.slice(0, 200))}, which ${why}`,
      {
        hint: 'Nothing was unpacked. Do not use this artifact; tell whoever published it.',
      },
    );
  };
  if (Buffer.byteLength(path) > limits.pathBytes) {
    throw new OciError(
      'LIMIT_EXCEEDED',
      `the archive has a path of more than ${limits.pathBytes} bytes`,
    );
  }
  if (path.startsWith('/')) unsafe('is absolute');
  if (forbidden.test(path)) unsafe('has a character that is not allowed');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  for (const part of parts) {
    if (part === '..') unsafe('leads out of its directory');
    if (/[. ]$/.test(part)) unsafe('ends in a dot or space, which Windows drops');
    if (windowsDevice.test(part)) unsafe('is a device on Windows');
  }
  if (parts.length > limits.depth) {
    throw new OciError(
      'LIMIT_EXCEEDED',
      `the archive is more than ${limits.depth} directories deep`,
    );
  }
  return parts;
}
