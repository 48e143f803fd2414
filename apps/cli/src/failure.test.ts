import { PassThrough } from 'node:stream';

import { OciError } from '@oci/spec-types';
import { expect, test } from 'vitest';

import { printFailure } from './failure.js';
import { TextStream } from './terminal.js';

test('a failure of a copy says at which end it happened', () => {
  const error = new OciError('DIGEST_MISMATCH', 'it was altered', {
    hint: 'Try again.',
    side: 'source',
  });
  const told = (format: 'text' | 'json'): string => {
    const stderr = new PassThrough({ encoding: 'utf8' });
    printFailure(error, { stderr: new TextStream(stderr), env: {} }, { format, debug: false });
    return String(stderr.read());
  };
  expect(told('text')).toBe(
    'error: it was altered [DIGEST_MISMATCH]\nwhere: the source of the copy\nhint: Try again.\n',
  );
  expect(JSON.parse(told('json'))).toEqual({
    error: {
      code: 'DIGEST_MISMATCH',
      message: 'it was altered',
      hint: 'Try again.',
      side: 'source',
    },
  });
});
