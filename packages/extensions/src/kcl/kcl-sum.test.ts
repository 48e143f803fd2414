import { expect, test } from 'vitest';

import { kclSum } from './kcl-sum.js';

const mod = '[package]\nname = "demo"\nversion = "0.1.0"\n';

test.each([
  [{ 'kcl.mod': mod, 'main.k': 'a = 1\n' }, 'qTwWQPL8rJbyn1V3pB0Gopgxw74fXnvkTMyC9LFPF4c='],
  [
    { 'a.k': 'A\n', 'a-b.k': 'AB\n', 'a/z.k': 'AZ\n', 'kcl.mod': mod },
    '4qYVlWgncwN8QMxAmFqR241wbRFrM5B3ZVm8JHNY948=',
  ],
  [
    { '.git/config': 'x', 'a.tar': 'x', 'dist.tar.gz': 'x', 'b/.gitignore': 'x' },
    '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=',
  ],
])('of %j is %s', (files, sum) => {
  const entries = Object.entries(files).map(([path, content]) => ({
    path,
    content: Buffer.from(content),
  }));
  expect(kclSum(entries)).toBe(sum);
  expect(kclSum([...entries].reverse())).toBe(sum);
});

test('is not that of paths sorted as whole texts', () => {
  const files = { 'a.k': 'A\n', 'a-b.k': 'AB\n', 'a/z.k': 'AZ\n', 'kcl.mod': mod };
  const entries = Object.entries(files).map(([path, content]) => ({
    path,
    content: Buffer.from(content),
  }));
  expect(kclSum(entries)).not.toBe('hM1AYrbNnHbNW4O3gY4tnbCQqvGq968lEBYJ+zwqqp4=');
});
