import { readFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { Metrics } from './metrics.js';

const metrics = new Metrics({
  collectedAt: async () => undefined,
  verifiedAt: async () => undefined,
  cache: async () => ({ blobs: 1, bytes: 2 }),
  jobs: () => ({ queued: 0, running: 0 }),
  audit: () => ({ pending: 0, lost: 0, failures: 0, lines: 0 }),
  events: () => ({ count: 0, bytes: 0, oldestAt: undefined }),
  quotas: async () => [],
});

/** Every name that Prometheus will know, those of histograms with their suffixes. */
async function knownNames(): Promise<Set<string>> {
  const all = await metrics.registry.getMetricsAsJSON();
  return new Set(
    all.flatMap(({ name, type }) =>
      String(type) === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
}

const example = (name: string): Promise<string> =>
  readFile(new URL(`../../../../examples/server/${name}`, import.meta.url), 'utf8');

function namesIn(expressions: readonly string[]): string[] {
  const found = expressions.flatMap(
    (text) => text.match(/\b(?:oci|nodejs|process)_[a-z0-9_]+/g) ?? [],
  );
  return [...new Set(found)];
}

test('the dashboard asks only for metrics that there are, and shows all of ours', async () => {
  const dashboard = JSON.parse(await example('grafana-dashboard.json')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  const names = namesIn(dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)));
  const known = await knownNames();
  expect(names.filter((name) => !known.has(name))).toEqual([]);
  const shown = new Set(names.map((name) => name.replace(/_bucket$/, '')));
  const all = (await metrics.registry.getMetricsAsJSON()).map(({ name }) => name);
  expect(all.filter((name) => name.startsWith('oci_') && !shown.has(name))).toEqual([]);
});

test('the alerts ask only for metrics that there are', async () => {
  const rules = await example('alert-rules.yml');
  const names = namesIn([rules]);
  const known = await knownNames();
  expect(names.length).toBeGreaterThan(5);
  expect(names.filter((name) => !known.has(name))).toEqual([]);
});

test('names and units are as Prometheus wants them', async () => {
  for (const { name, type, help } of await metrics.registry.getMetricsAsJSON()) {
    if (!name.startsWith('oci_')) continue;
    expect(help).toMatch(/\.$/);
    expect([name, name.endsWith('_total')]).toEqual([name, String(type) === 'counter']);
    expect(name).not.toMatch(/_(?:ms|milliseconds|kb|mb|percent)(?:_|$)/);
  }
});

test('no label is of a repository, a digest or a client', async () => {
  const text = await metrics.registry.metrics();
  expect(text).not.toMatch(/\b(?:repository|repo|digest|client|tag)="/);
});

test('the page for operators names only metrics that there are', async () => {
  const page = await readFile(new URL('../../../../docs/operating.md', import.meta.url), 'utf8');
  const known = await knownNames();
  expect(namesIn([page]).filter((name) => !known.has(name))).toEqual([]);
});

test('a counter that an alert watches is there before it counts, so that its first step is seen', async () => {
  const text = await metrics.registry.metrics();
  expect(text).toContain('oci_storage_verification_findings_total{kind="content-digest"} 0');
  expect(text).toContain('oci_config_reloads_total{result="failed"} 0');
});
