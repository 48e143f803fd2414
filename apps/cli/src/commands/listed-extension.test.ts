import { describe, expect, it } from 'vitest';

import { type ListedExtension, extensionTree } from './listed-extension.js';

const digest = `sha256:${'0123456789ab'.repeat(5)}0123`;

function listed(
  key: `${ListedExtension['type']}/${string}`,
  versions: Readonly<Record<string, readonly string[]>>,
  over: Partial<ListedExtension> = {},
): ListedExtension {
  const [type, name] = key.split('/') as [ListedExtension['type'], string];
  return {
    type,
    name,
    current: Object.keys(versions).at(-1) ?? null,
    previous: null,
    versions: Object.entries(versions).map(([version, dependencies]) => ({
      version,
      path: `/x/${key}/${version}`,
      digest,
      manifestDigest: digest,
      source: `registry.example/${key}:${version}`,
      installedAt: '2025-10-06T12:00:00Z',
      dependencies,
    })),
    ...over,
  };
}

const drawn = (entries: readonly ListedExtension[], width = 80): string =>
  extensionTree('/x', entries)({ width, colors: false, unicode: true });

describe('the tree of what is installed', () => {
  it('marks what is in use, and says what needs what', () => {
    const entries = [
      listed(
        'taskserv/kubernetes',
        { '1.28.0': [], '1.29.0': [] },
        { current: '1.28.0', previous: '1.29.0', latest: '1.30.0' },
      ),
      listed('cluster/web', { '1.0.0': ['taskserv/kubernetes', 'provider/cloud'] }),
    ];
    expect(drawn(entries).split('\n')).toEqual([
      '/x',
      '├── taskserv',
      '│   └── kubernetes  newer: 1.30.0; needed by cluster/web',
      '│       ├── 1.28.0 (in use)  content sha256:0123456789ab, 2025-10-06',
      '│       └── 1.29.0 (previous)  content sha256:0123456789ab, 2025-10-06',
      '└── cluster',
      '    └── web',
      '        └── 1.0.0 (in use)  content sha256:0123456789ab, 2025-10-06',
      '            ├── needs taskserv/kubernetes  1.28.0',
      '            └── needs provider/cloud  not installed',
    ]);
    expect(
      Math.max(
        ...drawn(entries, 40)
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBe(40);
  });

  it('takes no heed of what only a version needs that is not in use', () => {
    const entries = [
      listed('taskserv/docker', { '1.0.0': [] }, { current: null }),
      listed('cluster/web', { '1.0.0': ['taskserv/docker'], '2.0.0': [] }),
    ];
    expect(drawn(entries)).toContain('docker  none in use\n');
    expect(drawn(entries)).toContain('needs taskserv/docker  none in use\n');
  });
});
