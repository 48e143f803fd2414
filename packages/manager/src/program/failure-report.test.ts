import { OciError } from '@oci/spec-types';
import { expect, test } from 'vitest';

import { failureJson, failureReport } from './failure-report.js';

const error = new OciError('DENIED', 'may not\u202e', {
  hint: 'Log in.\u009b',
  side: 'source',
  registryErrors: Array.from({ length: 5 }, () => ({ code: 'DENIED', message: 'no\nway' })),
});

test('a failure is told a line a thing, printable, with few of the words of a registry', () => {
  expect(failureReport(error)).toEqual([
    ['error', 'may not\\u202e [DENIED]'],
    ['where', 'the source of the copy'],
    ...Array.from({ length: 3 }, () => ['registry', 'DENIED: no way']),
    ['hint', 'Log in.\\u009b'],
  ]);
});

test('a failure as JSON has its code, message and hint', () => {
  expect(failureJson(new OciError('USAGE', 'wrong'))).toEqual({
    code: 'USAGE',
    message: 'wrong',
    hint: null,
  });
  expect(failureJson(error, 'another')).toMatchObject({ hint: 'another', side: 'source' });
});
