import { expect, test } from 'vitest';

import { documents } from '../test-vectors.js';
import { emptyDescriptor } from './index.js';
import { descriptorSchema, parseStrictJson, platformSchema } from './schemas.js';
import { validate } from './document-schema.js';

test.each(documents('descriptor', 'valid'))('$name is a descriptor', ({ bytes }) => {
  const text = new TextDecoder().decode(bytes);
  expect(validate(descriptorSchema, parseStrictJson(bytes), 'descriptor')).toEqual(
    JSON.parse(text),
  );
});

test.each(documents('descriptor', 'lenient'))('$name is read without what is null', ({ bytes }) => {
  const descriptor = validate(descriptorSchema, parseStrictJson(bytes), 'descriptor');
  const bare = Object.values({ ...descriptor, ...descriptor.annotations });
  expect(bare).not.toContain(null);
  expect(bare).not.toContain('');
});

test.each(documents('descriptor', 'invalid'))('$name is refused', ({ bytes }) => {
  expect(() => validate(descriptorSchema, parseStrictJson(bytes), 'descriptor')).toThrow(
    expect.objectContaining({ name: 'OciError', code: 'DOCUMENT_INVALID' }),
  );
});

test('the empty descriptor is a descriptor', () => {
  expect(descriptorSchema.check(emptyDescriptor)).toBeUndefined();
});

test('content of 3 MiB inside a descriptor is checked without a recursion', () => {
  const data = 'AAAA'.repeat(786_432);
  expect(descriptorSchema.read({ ...emptyDescriptor, data })).toBeDefined();
  expect(descriptorSchema.read({ ...emptyDescriptor, data: `${data}!` })).toBeUndefined();
});

test('a platform needs an architecture and a system', () => {
  expect(platformSchema.read({ architecture: 'arm64', os: 'linux', more: 1 })).toBeDefined();
  expect(platformSchema.read({ architecture: 'arm64' })).toBeUndefined();
});
