import { type DocumentSchema, literal, objectOf, validate } from './document-schema.js';
import { parseStrictJson } from './strict-json.js';

/** The content of the file `oci-layout` (image-spec `image-layout.md`). */
export interface LayoutHeader {
  readonly imageLayoutVersion: '1.0.0';
}

export const layoutHeaderSchema: DocumentSchema<LayoutHeader> = objectOf({
  imageLayoutVersion: literal('1.0.0'),
});

/** The whole file. */
export const layoutHeader = '{"imageLayoutVersion":"1.0.0"}';

/** @throws OciError `DOCUMENT_INVALID` */
export function parseLayoutHeader(bytes: Uint8Array): LayoutHeader {
  return validate(layoutHeaderSchema, parseStrictJson(bytes), 'oci-layout file');
}
