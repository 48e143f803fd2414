import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import {
  type TemporaryDirectory,
  type TestRegistry,
  kclPackage,
  run,
  startRegistry,
  temporaryDirectory,
} from '@oci/testing';
import { describePeer } from '@oci/testing/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ocictl, ocictlProgram } from './ocictl.js';

/** What a shell makes of lines whose last word is begun. */
type Complete = (...lines: readonly string[]) => Promise<readonly string[]>;

describe('completion of a line that is typed', () => {
  let registry: TestRegistry;
  let work: TemporaryDirectory;
  let env: Record<string, string>;

  beforeAll(async () => {
    registry = await startRegistry();
    registry.putArtifact('kcl/core', '1.0.0', kclPackage({ name: 'core', version: '1.0.0' }));
    work = await temporaryDirectory('ocictl-completion-');
    const { program, env: own } = ocictlProgram(work.path, registry.url);
    const bin = join(work.path, 'bin');
    await mkdir(bin);
    const script = `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`;
    await writeFile(join(bin, 'ocictl'), script, { mode: 0o755 });
    await mkdir(join(work.path, 'somewhere'));
    env = { ...own, PATH: `${bin}:${own['PATH']}`, TERM: 'dumb' };
    await ocictl(work.path, registry.url)('kcl', 'pull', 'core', '1.0.0');
  });
  afterAll(async () => {
    await registry.close();
    await work.remove();
  });

  async function shell(...command: readonly string[]): Promise<readonly string[]> {
    const [file = '', ...args] = command;
    const { exitCode, stdout, stderr } = await run(file, args, { env, cwd: work.path });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    return stdout.split('\n').slice(0, -1);
  }

  /** The suite is one for all shells that put the only word that fits into the line. */
  function completes(complete: Complete): void {
    it('commands and their subcommands', async () => {
      expect(await complete('ocictl exten', 'ocictl kcl vend')).toEqual([
        'ocictl extension',
        'ocictl kcl vendor',
      ]);
    });

    it('options, and the choices of an option', async () => {
      expect(await complete('ocictl kcl pull --refr', 'ocictl list --format j')).toEqual([
        'ocictl kcl pull --refresh',
        'ocictl list --format json',
      ]);
    });

    it('names and versions that are in the cache, without a request', async () => {
      registry.clearRequests();
      const lines = ['ocictl kcl pull co', 'ocictl kcl pull core 1', 'ocictl resolve kcl/c'];
      expect(await complete(...lines)).toEqual([
        'ocictl kcl pull core',
        'ocictl kcl pull core 1.0.0',
        'ocictl resolve kcl/core:1.0.0',
      ]);
      expect(registry.requests).toEqual([]);
    });

    it('files where a file is wanted', async () => {
      const [line] = await complete('ocictl kcl push some');
      expect(line).toBe('ocictl kcl push somewhere/');
    });
  }

  describePeer('bash', 'bash completes', () => {
    // Without a terminal bash completes no line, so what it would put there is asked of the function.
    const script = `eval "$(ocictl completion bash)"
      for line in "$@"; do
        read -ra COMP_WORDS <<< "$line"
        COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )) COMPREPLY=()
        "$(complete -p ocictl | sed 's/.*-F \\([^ ]*\\).*/\\1/')" 2>/dev/null
        unset "COMP_WORDS[$COMP_CWORD]"
        word="\${COMPREPLY[*]}"
        [ -d "$word" ] && word="$word/"
        echo "\${COMP_WORDS[*]} $word"
      done`;
    completes((...lines) => shell('bash', '--norc', '-c', script, 'bash', ...lines));
  });

  describePeer('zsh', 'zsh completes', () => {
    // A shell in a terminal of its own; a key of ours writes down the line that Tab has made.
    const script = `zmodload zsh/zpty
      rm -rf zsh && mkdir zsh
      zpty -b typed "ZDOTDIR=$PWD/zsh exec zsh -f -i"
      await() { until [[ -s $1 ]]; do while zpty -r -t typed out; do :; done; sleep 0.01; done }
      zpty -w typed 'autoload -Uz compinit && compinit -D && source <(ocictl completion zsh)'
      zpty -w typed 'tell() { print -r -- "$BUFFER" > zsh/new; mv zsh/new zsh/line; BUFFER=; }'
      zpty -w typed 'zle -N tell; bindkey "^X" tell; echo yes > zsh/ready'
      await zsh/ready
      for line in "$@"; do
        zpty -w -n typed "$line"$'\\t\\x18'
        await zsh/line
        cat zsh/line; rm zsh/line
      done
      zpty -d typed`;
    completes(async (...lines) =>
      (await shell('zsh', '-f', '-c', script, 'zsh', ...lines)).map((line) => line.trimEnd()),
    );
  });

  describePeer('fish', 'fish completes', () => {
    const script = `ocictl completion fish | source
      for line in $argv
        echo (string replace -r '[^ ]*$' '' -- $line)(complete -C $line | string split -f 1 \\t)
      end`;
    completes((...lines) => shell('fish', '--no-config', '-c', script, ...lines));
  });
});
