import { expect, test } from 'vitest';

import { readNamedFile } from './named-file.js';

test('a named file that does not end is refused', async () => {
  await expect(readNamedFile('/dev/zero')).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: expect.stringContaining('/dev/zero has more than'),
  });
  expect(await readNamedFile('/dev/null')).toHaveLength(0);
});
