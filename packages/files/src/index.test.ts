import { expect, test } from 'vitest';

import * as main from './index.js';

test('the exported names', () => {
  expect(Object.keys(main).sort()).toEqual([
    'TemporaryFiles',
    'createFile',
    'hasCode',
    'homeDirectory',
    'isMissing',
    'makeDirectoryBelow',
    'onStorage',
    'openOwnFile',
    'ownProcess',
    'processState',
    'readNamedFile',
    'readNote',
    'readNoteAtOnce',
    'refuseDirectory',
    'refuseLinks',
    'replaceFile',
    'shownPath',
    'storageFailure',
    'syncDirectory',
    'syncFile',
    'temporaryBeside',
    'unlessMissing',
    'withDirectoryBelow',
    'withFileLock',
    'withTemporaryDirectory',
    'writeNote',
  ]);
});
