import { brokenRule, damaged } from './archive-rule.js';

/** What of a pax header concerns an extraction. */
export interface PaxRecords {
  readonly path?: string;
  readonly linkpath?: string;
  readonly size?: number;
}

/**
 * Reads the records of a pax extended header, `"<length> <key>=<value>\n"` each (POSIX pax, "pax Extended
 * Header"), strictly: what other tools could read differently is refused.
 *
 * @throws OciError `ARCHIVE_INVALID`, `ARCHIVE_UNSAFE`
 */
export function parsePaxRecords(body: Buffer, { isGlobal }: { isGlobal: boolean }): PaxRecords {
  const records: { path?: string; linkpath?: string; size?: number } = {};
  for (let at = 0; at < body.byteLength;) {
    const space = body.indexOf(0x20, at);
    const digits = body.toString('latin1', at, space === -1 ? at : Math.min(space, at + 10));
    const end = at + Number(digits);
    if (!/^[1-9]\d*$/.test(digits) || end > body.byteLength || body[end - 1] !== 0x0a)
      throw damaged('a pax header has a record of a wrong length');
    const text = body.toString('utf8', space + 1, end - 1);
    const equals = text.indexOf('=');
    if (equals <= 0) throw damaged('a pax header has a record without a key');
    take(records, text.slice(0, equals), text.slice(equals + 1));
    at = end;
  }
  // Standing for every entry behind it, these would make entries that most tools do not see.
  if (isGlobal && Object.keys(records).length > 0)
    throw brokenRule('hidden-header', records.path ?? 'pax_global_header');
  return records;
}

function take(
  records: { path?: string; linkpath?: string; size?: number },
  key: string,
  value: string,
): void {
  if (key.startsWith('GNU.sparse.')) throw brokenRule('sparse-file', records.path ?? key);
  if (key !== 'path' && key !== 'linkpath' && key !== 'size') return;
  // Some tools end at the NUL, others do not (CVE-2026-59875).
  if (value.includes('\0')) throw brokenRule('forbidden-character', value);
  if (key !== 'size') {
    records[key] = value;
    return;
  }
  const size = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(size))
    throw damaged(`a pax header has the size ${JSON.stringify(value.slice(0, 40))}`);
  records.size = size;
}
