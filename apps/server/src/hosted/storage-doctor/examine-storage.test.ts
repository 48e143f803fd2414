import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type TemporaryDirectory,
  type Versitygw,
  startVersitygw,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import { type S3Fake, type S3Faults, startS3Fake } from '../../../test/s3-fake.js';
import type { S3StorageOptions } from '../storage.js';
import { type CheckName, type FaultCode, type StorageReport, checkNames } from './check.js';
import { briefChecks, examineStorage } from './examine-storage.js';

const hour = 60 * 60_000;

function bucketOf({ endpoint }: Pick<S3Fake, 'endpoint'>): S3StorageOptions {
  const credentials = { accessKeyId: 'tester', secretAccessKey: 'secretsecret' };
  return { kind: 's3', bucket: 'b', endpoint, region: 'us-east-1', pathStyle: true, credentials };
}

function outcomes({ checks }: StorageReport): Readonly<Record<string, string>> {
  return Object.fromEntries(
    checks.map((check) => [check.name, 'code' in check ? check.code : check.outcome]),
  );
}

describe('a bucket', () => {
  let fake: S3Fake | undefined;
  afterEach(async () => {
    await fake?.close();
    fake = undefined;
  });

  test('that does all that a server relies on is fit for several, and left as it was', async () => {
    fake = await startS3Fake();
    const seen: string[] = [];
    const report = await examineStorage('', bucketOf(fake), {
      onCheck: ({ name }) => seen.push(name),
    });
    expect(Object.values(outcomes(report))).toEqual(report.checks.map(() => 'ok'));
    expect(report).toMatchObject({ kind: 's3', isFit: true, isFitForReplicas: true });
    expect(seen).toEqual(report.checks.map(({ name }) => name));
    expect(report.latencies.map(({ operation }) => operation)).toContain('replace');
    expect(fake.objects.size).toBe(0);
  });

  const broken: readonly (readonly [S3Faults, CheckName, FaultCode])[] = [
    [{ ignoresIfNoneMatch: true }, 'create', 'CREATE_NOT_EXCLUSIVE'],
    [{ ignoresIfMatch: true }, 'replace', 'REPLACE_NOT_CONDITIONAL'],
    [{ looksTooEarly: true }, 'create', 'CREATE_NOT_EXCLUSIVE'],
    [{ looksTooEarly: true }, 'replace', 'REPLACE_NOT_CONDITIONAL'],
    [{ staleReads: true }, 'reads', 'READ_STALE'],
    [{ staleLists: true }, 'lists', 'LIST_STALE'],
    [{ unorderedLists: true }, 'order', 'LIST_UNORDERED'],
    [{ ignoresStartAfter: true }, 'order', 'LIST_UNORDERED'],
    [{ listsWithoutTimes: true }, 'facts', 'LIST_INCOMPLETE'],
    [{ ignoresRange: true }, 'ranges', 'RANGE_WRONG'],
    [{ keepsDeleted: true }, 'deletion', 'DELETE_INEFFECTIVE'],
    [{ losesParts: true }, 'parts', 'PARTS_WRONG'],
    [{ keepsParts: true }, 'parts', 'PARTS_LEFT'],
    [{ maxKeyLength: 400 }, 'long-keys', 'KEY_TOO_LONG'],
    [{ clockMs: hour }, 'clock', 'CLOCK_DISTANT'],
    [{ clockMs: -hour }, 'clock', 'CLOCK_DISTANT'],
  ];

  test.each(broken)('with %j fails the check %s with %s', async (faults, name, code) => {
    fake = await startS3Fake(faults);
    const only = new Set([name]);
    const report = await examineStorage('', bucketOf(fake), { only });
    expect(outcomes(report)[name]).toBe(code);
    const isFit = ['CREATE_NOT_EXCLUSIVE', 'REPLACE_NOT_CONDITIONAL', 'PARTS_LEFT'].includes(code);
    expect(report).toMatchObject({ isFit, isFitForReplicas: false });
    expect(fake.objects.size === 0).toBe(!faults.keepsDeleted);
  });

  test('that keeps what is deleted is told of as such', async () => {
    fake = await startS3Fake({ keepsDeleted: true });
    const only = new Set(['create'] as const);
    const report = await examineStorage('', bucketOf(fake), { only });
    expect(outcomes(report)['cleanup']).toBe('LEFT_BEHIND');
    const { summary = '' } = report.checks.at(-1) ?? {};
    expect(summary).toMatch(/\d+ objects are left below v2\/doctor\/[0-9a-f-]{36}\/$/);
  });

  test('that does not answer is a finding with its reason', async () => {
    fake = await startS3Fake();
    const options = bucketOf(fake);
    await fake.close();
    fake = undefined;
    const report = await examineStorage('', options);
    expect(outcomes(report)).toEqual({ connection: 'STORAGE_UNREACHABLE' });
    expect(report.checks[0]).toMatchObject({ error: { code: 'STORAGE_FAILED' } });
    expect(report).toMatchObject({ isFit: false, isFitForReplicas: false });
  });

  test('is looked at only briefly when that is asked for', async () => {
    fake = await startS3Fake();
    const report = await examineStorage('', bucketOf(fake), { only: briefChecks });
    expect(outcomes(report)).toEqual({ connection: 'ok', clock: 'ok', cleanup: 'ok' });
    expect(report).toMatchObject({ isFit: true, isFitForReplicas: false });
  });

  test.each(['create', 'lists', 'parts'])(
    'is left as it was when the examination is aborted behind %s',
    async (name) => {
      fake = await startS3Fake();
      const only = new Set(['create', 'lists', 'parts', 'clock'] as const);
      const ending = new AbortController();
      const examination = examineStorage('', bucketOf(fake), {
        signal: ending.signal,
        only,
        onCheck: (check) => check.name === name && ending.abort(),
      });
      await expect(examination).rejects.toMatchObject({ code: 'ABORTED' });
      expect(fake.objects.size).toBe(0);
    },
  );

  test('is left as it was when the examination is aborted in the middle of a race', async () => {
    fake = await startS3Fake();
    const ending = new AbortController();
    const begun = fake.requested('PUT', 20).then(() => ending.abort());
    const examination = examineStorage('', bucketOf(fake), { signal: ending.signal });
    await expect(examination).rejects.toMatchObject({ code: 'ABORTED' });
    await begun;
    expect(fake.objects.size).toBe(0);
  });
});

describePeer('versitygw', 'a bucket of versitygw', () => {
  let gateway: Versitygw;
  beforeAll(async () => {
    gateway = await startVersitygw();
  });
  afterAll(() => gateway.close());

  test('passes, beside another examination of the same bucket', async () => {
    const { endpoint, region, credentials } = gateway;
    const bucket = await gateway.createBucket();
    const options = { kind: 's3', bucket, endpoint, region, credentials, pathStyle: true } as const;
    const [report, other] = await Promise.all([
      examineStorage('', options),
      examineStorage('', { ...options, prefix: 'team/registry' }),
    ]);
    for (const { checks } of [report, other])
      expect(checks.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
    expect(report.isFitForReplicas).toBe(true);
  });

  test('with a wrong secret or without the bucket is told with what to do', async () => {
    const { endpoint, region, credentials } = gateway;
    const bucket = await gateway.createBucket();
    const options = { kind: 's3', bucket, endpoint, region, credentials, pathStyle: true } as const;
    const denied = await examineStorage('', {
      ...options,
      credentials: { ...credentials, secretAccessKey: 'wrong' },
    });
    expect(denied.checks).toMatchObject([
      { outcome: 'problem', error: { code: 'STORAGE_DENIED' }, name: 'connection' },
    ]);
  });
});

describe('a directory', () => {
  let work: TemporaryDirectory;
  beforeEach(async () => {
    work = await temporaryDirectory();
  });
  afterEach(() => work.remove());

  test('passes, and is left as it was', async () => {
    await mkdir(join(work.path, 'v2'));
    await writeFile(join(work.path, 'v2', 'format'), 'of a server that runs');
    const report = await examineStorage(work.path);
    const bad = report.checks.filter(({ outcome, name }) => outcome !== 'ok' && name !== 'space');
    expect(bad).toEqual([]);
    expect(report.checks.map(({ name }) => name)).toEqual(checkNames);
    expect(report).toMatchObject({ kind: 'file', isFit: true, isFitForReplicas: false });
    expect(await readdir(work.path)).toEqual(['v2']);
    expect(await readdir(join(work.path, 'v2'))).toEqual(['format']);
  });

  test('that is not there is not made', async () => {
    const report = await examineStorage(join(work.path, 'registry'));
    expect(outcomes(report)).toEqual({ connection: 'skipped' });
    expect(report.isFit).toBe(true);
    expect(await readdir(work.path)).toEqual([]);
  });

  test('is left as it was when the examination is aborted', async () => {
    const ending = new AbortController();
    const examination = examineStorage(work.path, undefined, {
      signal: ending.signal,
      onCheck: ({ name }) => name === 'create' && ending.abort(),
    });
    await expect(examination).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await readdir(work.path)).toEqual([]);
  });
});
