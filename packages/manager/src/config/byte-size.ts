import { OciError } from '@oci/spec-types';

const units: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['b', 1],
  ...['k', 'm', 'g', 't'].flatMap((letter, at): [string, number][] => [
    [letter, 1000 ** (at + 1)],
    [`${letter}b`, 1000 ** (at + 1)],
    [`${letter}ib`, 1024 ** (at + 1)],
  ]),
]);

/** Bytes of a size as `500MB` (of 1000), `10GiB` (of 1024) or a plain number; undefined for anything else. */
export function byteSize(raw: unknown): number | undefined {
  if (typeof raw === 'number' || typeof raw === 'bigint') return byteSize(String(raw));
  if (typeof raw !== 'string') return undefined;
  const [, number, unit = ''] = /^(\d{1,15}(?:\.\d{1,6})?) ?([a-z]*)$/i.exec(raw.trim()) ?? [];
  const factor = units.get(unit.toLowerCase());
  if (number === undefined || factor === undefined) return undefined;
  const bytes = Math.floor(Number(number) * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** @throws OciError `USAGE` */
export function parseByteSize(text: string): number {
  const bytes = byteSize(text);
  if (bytes !== undefined) return bytes;
  throw new OciError('USAGE', `${JSON.stringify(text.slice(0, 50))} is no size`, {
    hint: 'A size looks like 500MB or 10GiB.',
  });
}
