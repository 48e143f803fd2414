import { expect, test } from 'vitest';

import * as server from './index.js';

test('exports these names and no others', () => {
  expect(Object.keys(server).sort()).toEqual([
    'actions',
    'formatOrigin',
    'parseListenAddress',
    'startServer',
    'verifyAudit',
  ]);
});
