import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type TemporaryDirectory,
  type TestRegistry,
  kclPackage,
  run,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { expectJson } from './json-schema.js';
import { type Ocictl, ocictl, ocictlProgram } from './ocictl.js';

const password = 'correct horse';

describe('signing with ocictl', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;
  let command: Ocictl;
  const path = (name: string): string => join(work.path, name);

  beforeEach(async () => {
    registry = await startRegistry();
    work = await temporaryDirectory('ocictl-signing-');
    command = ocictl(work.path, registry.url, { COSIGN_PASSWORD: password });
    registry.putArtifact('kcl/core', '1.0.0', kclPackage({ name: 'core', version: '1.0.0' }));
    await command('generate-key-pair', path('team'));
  });
  afterEach(async () => {
    await registry.close();
    await work.remove();
  });

  it('keeps the private key from others, and overwrites none', async () => {
    expect((await stat(path('team.key'))).mode & 0o777).toBe(0o600);
    const key = await readFile(path('team.key'), 'utf8');
    expect(await command('generate-key-pair', path('team'))).toMatchObject({ exitCode: 2 });
    expect(await readFile(path('team.key'), 'utf8')).toBe(key);
    const made = await command('--format', 'json', 'generate-key-pair', path('other'));
    expect(expectJson('generate-key-pair', made.stdout)).toEqual({
      private_key: path('other.key'),
      public_key: path('other.pub'),
    });
  });

  it('signs, verifies, and says who signed', async () => {
    const unsigned = await command('verify', 'kcl/core:1.0.0', '--key', path('team.pub'));
    expect(unsigned).toMatchObject({
      exitCode: 9,
      stderr: expect.stringContaining('[SIGNATURE_MISSING]'),
    });
    for (const added of [true, false]) {
      const signed = await command(
        'sign',
        'kcl/core:1.0.0',
        '--key',
        path('team.key'),
        '--format',
        'json',
      );
      expect(expectJson('sign', signed.stdout)).toMatchObject({ added });
    }
    await command(
      'sign',
      'kcl/core:1.0.0',
      '--key',
      path('team.key'),
      '--signature-format',
      'cosign-tag',
    );
    const verified = await command(
      'verify',
      'kcl/core:1.0.0',
      '--key',
      path('team.pub'),
      '--format',
      'json',
    );
    expect(expectJson('verify', verified.stdout)).toMatchObject({
      signatures: [{ form: 'bundle', signer: { kind: 'key' } }, { form: 'cosign-tag' }],
      rejected: [],
    });
    await command('generate-key-pair', path('other'));
    const wrong = await command('verify', 'kcl/core:1.0.0', '--key', path('other.pub'));
    expect(wrong).toMatchObject({ exitCode: 7, stdout: '' });
    expect(wrong.stderr).toContain('by another key');
    expect((await command('tags', 'kcl/core')).stdout).toBe('1.0.0\n');
  });

  it('reads the password from its input, and tells a wrong one', async () => {
    const { program, env } = ocictlProgram(work.path, registry.url);
    const line =
      'printf %s "$2" | "$0" "$1" sign kcl/core:1.0.0 --key "$3" --password-stdin --quiet';
    const sign = (secret: string) =>
      run('sh', ['-c', line, process.execPath, program, secret, path('team.key')], { env });
    expect(await sign('wrong')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('does not open with this password'),
    });
    expect(await sign(password)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^sha256:/),
    });
  });

  it.each([
    [['sign', 'kcl/core:1.0.0'], /no key to sign with/],
    [
      ['sign', 'kcl/core:1.0.0', '--key', 'nowhere.key'],
      /nowhere\.key cannot be read: there is no such file/,
    ],
    [['sign', 'kcl/core:1.0.0', '--key', '/'], /\/ cannot be read: it is a directory/],
    [['verify', 'kcl/core:1.0.0', '--key', 'nowhere.pub'], /nowhere\.pub cannot be read/],
    [['verify', 'kcl/core:1.0.0'], /no identity was named, and no trust rule applies to it/],
    [['verify', 'kcl/core:1.0.0', '--trusted-root', 'x'], /together/],
  ])('ends with 2 for %j', async (args, words) => {
    expect(await command(...args)).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(words),
    });
  });

  it('pulls only what is signed where the configuration requires it', async () => {
    const config = path('config.toml');
    await writeFile(
      config,
      `[orchestrator.oci]\n[orchestrator.oci.trust]\n"${registry.host}/kcl" = { keys = ["team.pub"] }\n`,
    );
    const pulls = [
      ['kcl', 'pull', 'core', '1.0.0'],
      ['pull', 'kcl/core:1.0.0', '-o', path('files')],
    ];
    for (const pull of pulls)
      expect(await command('--config', config, ...pull)).toMatchObject({
        exitCode: 9,
        stderr: expect.stringContaining('[SIGNATURE_MISSING]'),
      });
    await command('sign', 'kcl/core:1.0.0', '--key', path('team.key'));
    for (const pull of pulls)
      expect(await command('--config', config, ...pull)).toMatchObject({ exitCode: 0 });
    const verified = await command('--config', config, 'verify', 'kcl/core:1.0.0');
    expect(verified).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('is signed') });
    const copy = `oci:${path('layout')}`;
    await command('copy', '--referrers', 'kcl/core:1.0.0', copy);
    const there = await command('verify', `${copy}:1.0.0`, '--key', path('team.pub'));
    expect(there).toMatchObject({ exitCode: 0 });
  });

  it('attests an SBOM, verifies it, and says what is missing', async () => {
    const sbom = path('sbom.json');
    await writeFile(sbom, '{"SPDXID":"SPDXRef-DOCUMENT"}');
    const attest = ['attest', 'kcl/core:1.0.0', '--key', path('team.key'), '--type', 'spdx'];
    const made = await command(...attest, '--predicate', sbom, '--format', 'json');
    expect(expectJson('attest', made.stdout)).toMatchObject({
      added: true,
      predicate_type: 'https://spdx.dev/Document',
    });
    const verify = ['verify-attestation', 'kcl/core:1.0.0', '--key', path('team.pub')];
    const found = await command(...verify, '--type', 'spdx', '--format', 'json');
    expect(expectJson('verify-attestation', found.stdout)).toMatchObject({
      attestations: [{ predicate: { SPDXID: 'SPDXRef-DOCUMENT' } }],
    });
    const text = await command(...verify, '--type', 'spdx');
    expect(text).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('is attested') });
    expect(await command(...verify, '--type', 'cyclonedx')).toMatchObject({ exitCode: 9 });
    expect(await command(...verify, '--type', 'spdx', '--builder', 'x')).toMatchObject({
      exitCode: 7,
      stderr: expect.stringContaining('it is no provenance'),
    });
    expect(await command(...verify)).toMatchObject({ exitCode: 2 });
    await writeFile(sbom, 'no JSON');
    expect(await command(...attest, '--predicate', sbom)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('is not JSON'),
    });
  });

  it('explains which trust rule holds, and why', async () => {
    const config = path('trust.toml');
    await writeFile(
      config,
      `[orchestrator.oci.trust."*"]
       keys = ["team.pub"]
       [[orchestrator.oci.trust."*".attestations]]
       type = "spdx"`,
    );
    const explain = ['trust', 'explain', 'kcl/core:1.0.0', '--config', config];
    const refused = await command(...explain, '--format', 'json');
    expect(refused.exitCode).toBe(9);
    expect(expectJson('trust-explain', refused.stdout)).toMatchObject({
      rule: { scope: '*', require: 'signature', mode: 'enforce', threshold: 1 },
      passes: false,
      used: false,
      signatures: { problem: expect.stringContaining('is not signed') },
      attestations: [{ passes: false }],
    });
    await command('sign', 'kcl/core:1.0.0', '--key', path('team.key'));
    await writeFile(path('sbom.json'), '{}');
    const attest = ['attest', 'kcl/core:1.0.0', '--type', 'spdx', '--key', path('team.key')];
    await command(...attest, '--predicate', path('sbom.json'));
    const passes = await command(...explain);
    expect(passes).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('may be used') });
    expect(await command('kcl', 'pull', 'core', '1.0.0', '--config', config)).toMatchObject({
      exitCode: 0,
    });
    const none = await command('trust', 'explain', 'kcl/core:1.0.0');
    expect(none).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('none is for it') });
  });
});
