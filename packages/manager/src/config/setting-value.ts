import { resolve } from 'node:path';

import { OciError } from '@oci/spec-types';
import { homeDirectory } from '@oci/files';

import { byteSize } from './byte-size.js';
import {
  type SettingKey,
  type SettingTable,
  type SettingValue,
  settingDefinitions,
} from './settings.js';

/**
 * Checks a value out of the file, the environment or a flag, and gives it its kind.
 *
 * @param raw text from the environment or a flag; what TOML holds from the file
 * @throws OciError `CONFIG_INVALID`
 */
export function settingValue(
  key: SettingKey,
  raw: unknown,
  origin: { readonly where: string; readonly baseDir: string },
): SettingValue {
  const { kind } = settingDefinitions[key];
  const fail = (expected: string): never => {
    throw new OciError('CONFIG_INVALID', `${key} (${origin.where}) has to be ${expected}`, {
      hint: 'Change it where it is set, or leave it out for its default.',
      reason: { kind: 'setting-invalid', key },
    });
  };
  switch (kind) {
    case 'text':
      return typeof raw === 'string' && raw !== '' ? raw : fail('a text that is not empty');
    case 'path':
      return typeof raw === 'string' && raw !== '' ? absolute(raw, origin.baseDir) : fail('a path');
    case 'flag':
      return flag(raw) ?? fail('true or false');
    case 'list':
      return list(raw) ?? fail('a list of texts');
    case 'milliseconds':
      return wholeNumber(raw) ?? fail('a whole number of milliseconds, 0 or more');
    case 'count':
      return wholeNumber(raw) ?? fail('a whole number, 0 or more');
    case 'tables':
      return tables(raw) ?? fail('a list of tables; in the environment, JSON');
    case 'bytes':
      return byteSize(raw) ?? fail('a size as 500MB or 10GiB, or a number of bytes');
  }
}

function absolute(path: string, baseDir: string): string {
  const expanded = path === '~' || path.startsWith('~/') ? homeDirectory() + path.slice(1) : path;
  return resolve(baseDir, expanded);
}

function flag(raw: unknown): boolean | undefined {
  if (typeof raw === 'boolean') return raw;
  if (raw === 'true' || raw === '1') return true;
  if (raw === 'false' || raw === '0') return false;
  return undefined;
}

function list(raw: unknown): readonly string[] | undefined {
  const items: unknown = typeof raw === 'string' ? raw.split(',').map((item) => item.trim()) : raw;
  if (!Array.isArray(items)) return undefined;
  return items.every((item) => typeof item === 'string' && item !== '')
    ? (items as string[])
    : undefined;
}

function tables(raw: unknown): readonly SettingTable[] | undefined {
  const items = typeof raw === 'string' ? parseJson(raw) : raw;
  if (!Array.isArray(items)) return undefined;
  const isTable = (item: unknown): boolean =>
    typeof item === 'object' && item !== null && !Array.isArray(item);
  return items.every(isTable) ? (items as SettingTable[]) : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function wholeNumber(raw: unknown): number | undefined {
  const value = typeof raw === 'string' && /^\d+$/.test(raw) ? Number(raw) : raw;
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
