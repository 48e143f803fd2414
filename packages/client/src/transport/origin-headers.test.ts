import { expect, test } from 'vitest';

import type { Exchange, RegistryRequest } from './exchange.js';
import { addHeaders, mergeHeaders } from './origin-headers.js';

const origin = new URL('https://registry.example');
const request = (url: string): RegistryRequest => ({
  method: 'GET',
  url: new URL(url),
  headers: { accept: 'a/b' },
  scopes: [],
});

test('headers of a file are read once, for the exact origin, and the nearer ones count', async () => {
  const sent: RegistryRequest['headers'][] = [];
  let reads = 0;
  const next: Exchange = (asked) => {
    sent.push(asked.headers);
    return Promise.reject(new Error('not sent'));
  };
  const docker = async () => {
    reads += 1;
    return { 'X-Access': 'docker', 'X-Team': 'docker', Accept: 'docker' };
  };
  const exchange = addHeaders(next, origin, mergeHeaders(docker, { 'x-team': 'own' }));
  for (const url of ['https://registry.example/v2/', 'https://registry.example/v2/', 'https://a/'])
    await exchange(request(url)).catch(() => {});
  const all = { 'x-access': 'docker', 'x-team': 'own', accept: 'a/b' };
  expect(sent).toEqual([all, all, { accept: 'a/b' }]);
  expect(reads).toBe(1);
});

test('headers that could not be read are read again for the next request', async () => {
  let reads = 0;
  const source = async () => {
    reads += 1;
    if (reads === 1) throw new Error('not now');
    return { 'x-access': 'own' };
  };
  const sent: RegistryRequest['headers'][] = [];
  const exchange = addHeaders(
    (asked) => {
      sent.push(asked.headers);
      return Promise.reject(new Error('not sent'));
    },
    origin,
    source,
  );
  await expect(exchange(request('https://registry.example/v2/'))).rejects.toThrow('not now');
  await expect(exchange(request('https://registry.example/v2/'))).rejects.toThrow('not sent');
  expect(sent).toEqual([{ 'x-access': 'own', accept: 'a/b' }]);
});
