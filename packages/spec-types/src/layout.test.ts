import { expect, test } from 'vitest';

import { documents } from '../test-vectors.js';
import { parseLayoutHeader } from './index.js';

test.each(documents('layout', 'valid'))('$name is an oci-layout file', ({ bytes }) => {
  expect(parseLayoutHeader(bytes)).toEqual(JSON.parse(new TextDecoder().decode(bytes)));
});

test.each(documents('layout', 'invalid'))('$name is refused', ({ bytes }) => {
  expect(() => parseLayoutHeader(bytes)).toThrow(
    expect.objectContaining({ name: 'OciError', code: 'DOCUMENT_INVALID' }),
  );
});
