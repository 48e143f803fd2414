import { OciError } from '@oci/spec-types';

const segment = /^[A-Za-z0-9_@+=-][A-Za-z0-9._:@+=-]*$/;

/** Whether a text can be a key: see {@link ObjectStore}. A segment never begins with a dot. */
export function isObjectKey(key: string): boolean {
  return (
    key.length <= 1024 && key.split('/').every((part) => part.length <= 255 && segment.test(part))
  );
}

/** @throws OciError `INTERNAL`: keys are made of parsed identifiers, so a bad one is a defect */
export function ensureObjectKey(key: string): string {
  if (isObjectKey(key)) return key;
  throw new OciError('INTERNAL', `invalid object key ${JSON.stringify(key.slice(0, 300))}`);
}

/**
 * A text as one segment of a key that differs for texts that differ in case only, for file systems
 * that don't tell these apart: all but lower-case letters, digits, `.`, `_`, `-` become `=` and hex.
 */
export function encodeSegment(text: string): string {
  const encoded = [...Buffer.from(text, 'utf8')]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[a-z0-9._-]/.test(character) ? character : `=${byte.toString(16).padStart(2, '0')}`;
    })
    .join('');
  return encoded.startsWith('.') ? `=2e${encoded.slice(1)}` : encoded;
}

export function decodeSegment(segment: string): string {
  const bytes = segment.replace(/=([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
