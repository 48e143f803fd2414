import { OciError } from '@oci/spec-types';

/** Says that a directory is an export, in `export.json`. */
export interface ExportMark {
  readonly format: 'oci-server-export';
  readonly version: 1;
  /** Whether the last run came to its end. */
  readonly complete: boolean;
  /** RFC 3339, of the last run. */
  readonly begun: string;
  /** Of the last run that came to its end. */
  readonly ended?: string | undefined;
  /** What that run reported as damaged. */
  readonly problems?: number | undefined;
}

/** @throws OciError `DOCUMENT_INVALID` when it is no such mark, or one of a newer server */
export function parseMark(bytes: Uint8Array, path: string): ExportMark {
  const value = valueOf(bytes);
  const { format, version, complete, begun, ended, problems } = value;
  if (format !== 'oci-server-export') throw invalid(path, 'is not the mark of an export');
  if (version !== 1) throw invalid(path, `is of version ${String(version).slice(0, 20)}`);
  return {
    format,
    version,
    complete: complete === true,
    begun: typeof begun === 'string' ? begun : '',
    ...(typeof ended === 'string' && { ended }),
    ...(typeof problems === 'number' && { problems }),
  };
}

function valueOf(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function invalid(path: string, what: string): OciError {
  return new OciError('DOCUMENT_INVALID', `${path} ${what}`, {
    hint: 'Name the directory of an export, and use the server that wrote it, or a newer one.',
  });
}
