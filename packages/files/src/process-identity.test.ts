import { execFileSync } from 'node:child_process';

import { describe, expect, it } from 'vitest';

import { ownProcess, processState } from './index.js';

const [number = '', start = '', boot = '', namespace = ''] = ownProcess.split('.');

describe.runIf(process.platform === 'linux')('a process by its identity', () => {
  it('lives when it is this one, also with more of a name behind', () => {
    for (const text of [ownProcess, `${ownProcess}-0a1b`, `${ownProcess}~0a1b`])
      expect(processState(text)).toBe('alive');
  });

  it('is dead when nobody has its number, or another process has it by now', () => {
    const gone = execFileSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).trim();
    expect(processState(`${gone}.${start}.${boot}.${namespace}`)).toBe('dead');
    expect(processState(`${number}.${Number(start) + 1}.${boot}.${namespace}`)).toBe('dead');
  });

  it('cannot be seen from here when it is of another boot or namespace, whoever has its number', () => {
    for (const used of [number, String(2 ** 30)]) {
      const otherBoot = boot.replaceAll(/./g, 'f');
      expect(processState(`${used}.${start}.${otherBoot}.${namespace}`)).toBe('unknown');
      expect(processState(`${used}.${start}.${boot}.${Number(namespace) + 1}`)).toBe('unknown');
      expect(processState(`${used}.${start}.${boot}.${namespace}1`)).toBe('unknown');
    }
  });
});

it('says nothing of a text that an earlier version or another system wrote', () => {
  for (const text of [
    '',
    '1',
    '1 host',
    `${process.pid}-0a1b`,
    'host~1~0a1b',
    '1.2.3.4',
    `x${ownProcess}`,
  ])
    expect(processState(text)).toBe('unknown');
});
