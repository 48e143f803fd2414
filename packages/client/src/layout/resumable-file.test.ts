import { utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';

import { digestOf } from '@oci/spec-types/node';
import { bytesOf, temporaryDirectory } from '@oci/testing';
import { expect, test } from 'vitest';

import { claimResumable } from './resumable-file.js';

const digest = digestOf(bytesOf('content'));

test('one at a time has a file, and it is free again afterwards', async () => {
  await using directory = await temporaryDirectory();
  const mine = await claimResumable(directory.path, digest);
  expect(await claimResumable(directory.path, digest)).toBeUndefined();
  await mine?.release();
  expect(await claimResumable(directory.path, digest)).toMatchObject({ path: mine?.path });
});

test('what a dead process had is free, also when we have its number, as the first in a container', async () => {
  await using directory = await temporaryDirectory();
  const mine = await claimResumable(directory.path, digest);
  const claim = `${mine?.path}.owner`;
  const before = new Date(performance.timeOrigin - 60_000);
  await utimes(claim, before, before);
  expect(await claimResumable(directory.path, digest)).toBeDefined();
  await writeFile(claim, `${2 ** 30} ${hostname()}`);
  expect(await claimResumable(directory.path, digest)).toBeDefined();
  await writeFile(claim, `${process.pid} elsewhere`);
  expect(await claimResumable(directory.path, digest)).toBeUndefined();
});
