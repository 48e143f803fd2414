import { expect, test } from 'vitest';

import { OciError, Operation, checkedListener } from './index.js';

const thrown = new Error('no such gauge');
const failure = {
  code: 'USAGE',
  retryable: false,
  cause: thrown,
  message: expect.stringContaining('no such gauge') as string,
};
const fail = (): never => {
  throw thrown;
};

test('what a listener throws is told as its own', () => {
  expect(checkedListener((a: number, b: number) => a + b)(1, 2)).toBe(3);
  expect(checkedListener(fail)).toThrow(expect.objectContaining(failure) as Error);
});

test('an error of ours stays as it is, so that a listener can end the work by it', () => {
  const own = new OciError('LIMIT_EXCEEDED', 'enough');
  const listener = checkedListener(() => {
    throw own;
  });
  expect(listener).toThrow(own);
});

test('it ends an operation', async () => {
  const operation = new Operation(async (emit) => emit({ type: 'warning', message: 'x' }));
  operation.on(fail);
  await expect(operation).rejects.toMatchObject(failure);
});
