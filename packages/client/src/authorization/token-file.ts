import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';

import { replaceFile } from '@oci/files';

import type { Token } from './token.js';

/** Tokens that outlive the process. What is broken, foreign or full is as good as empty. */
export interface TokenStore {
  get(key: TokenKey): Promise<Token | undefined>;
  put(key: TokenKey, token: Token): Promise<void>;
}

/** What a token was given for. */
export interface TokenKey {
  /** Origin, realm, service and scopes: everything but who asked. */
  readonly purpose: string;
  /** Who asked: the credential itself, or `anonymous`. It is part of the key and never stored. */
  readonly identity: string;
}

const version = 1;
const maxTokens = 200;
const maxFileBytes = 2 * 1024 * 1024;

interface Entry {
  readonly expiresAt: number;
  /** The token under AES-256-GCM: nonce, tag, text; base64. */
  readonly sealed: string;
}

/**
 * Tokens in one file, readable by its owner only. Each is sealed with a key that comes from the
 * credential that got it, so that who has the file but not the credential has nothing. Several processes
 * may share it: it is replaced whole, and the last one wins.
 */
export function tokenFile(path: string): TokenStore {
  return {
    get: async (key) => {
      const entry = (await readEntries(path))[nameOf(key)];
      if (!entry || entry.expiresAt <= Date.now()) return undefined;
      const value = unseal(entry.sealed, key);
      return value === undefined ? undefined : { value, expiresAt: entry.expiresAt };
    },
    put: async (key, token) => {
      const entry = { expiresAt: token.expiresAt, sealed: seal(token.value, key) };
      const kept = Object.entries(await readEntries(path))
        .filter(([, { expiresAt }]) => expiresAt > Date.now())
        .sort(([, a], [, b]) => b.expiresAt - a.expiresAt)
        .slice(0, maxTokens - 1);
      const tokens = Object.fromEntries([...kept, [nameOf(key), entry]]);
      // A cache that can't be written is none; the token was got all the same.
      await replace(path, JSON.stringify({ version, tokens })).catch(() => {});
    },
  };
}

function nameOf({ purpose, identity }: TokenKey): string {
  return createHash('sha256')
    .update(JSON.stringify([purpose, identity]))
    .digest('hex');
}

function secretOf({ purpose, identity }: TokenKey): Buffer {
  return Buffer.from(hkdfSync('sha256', identity, purpose, 'oci token cache', 32));
}

function seal(text: string, key: TokenKey): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', secretOf(key), nonce);
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
}

function unseal(sealed: string, key: TokenKey): string | undefined {
  try {
    const bytes = Buffer.from(sealed, 'base64');
    const tag = bytes.subarray(12, 28);
    const decipher = createDecipheriv('aes-256-gcm', secretOf(key), bytes.subarray(0, 12), {
      authTagLength: 16,
    });
    decipher.setAuthTag(tag);
    return decipher.update(bytes.subarray(28), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return undefined;
  }
}

async function readEntries(path: string): Promise<Readonly<Record<string, Entry>>> {
  try {
    const file = await open(path, 'r');
    try {
      const { size, mode, uid } = await file.stat();
      // Another user's file, or one that others may write, is not believed.
      const foreign = process.getuid !== undefined && uid !== process.getuid();
      if (size > maxFileBytes || foreign || (mode & 0o022) !== 0) return {};
      return parseEntries(await file.readFile('utf8'));
    } finally {
      await file.close();
    }
  } catch {
    return {};
  }
}

function parseEntries(text: string): Readonly<Record<string, Entry>> {
  const document = JSON.parse(text) as { version?: unknown; tokens?: unknown };
  if (document.version !== version || typeof document.tokens !== 'object') return {};
  const entries = Object.entries((document.tokens ?? {}) as Record<string, Partial<Entry> | null>);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, Entry] => {
      const { expiresAt, sealed } = entry[1] ?? {};
      return typeof expiresAt === 'number' && typeof sealed === 'string';
    }),
  );
}

async function replace(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await replaceFile(path, text, { mode: 0o600 });
}
