import { homedir } from 'node:os';

import { afterAll, expect, test, vi } from 'vitest';

import { homeDirectory } from './home-directory.js';

// Modules are shared among test files; those that see the replaced one must not be.
vi.hoisted(() => vi.resetModules());
afterAll(() => vi.resetModules());
vi.mock('node:os', () => ({ homedir: vi.fn<() => string>() }));

test('is that of the system', () => {
  vi.mocked(homedir).mockReturnValueOnce('/home/alice');
  expect(homeDirectory()).toBe('/home/alice');
});

test('is the root for a user that the system does not know', () => {
  vi.mocked(homedir).mockImplementationOnce(() => {
    throw new Error('A system error occurred: uv_os_homedir returned ENOENT');
  });
  expect(homeDirectory()).toBe('/');
});
