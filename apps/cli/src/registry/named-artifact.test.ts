import { type RepositoryName, parseRegistryHost } from '@oci/spec-types';
import { describe, expect, it } from 'vitest';

import { readReference, readRepository, referenceText } from './named-artifact.js';

const registryOf = (repository: RepositoryName) =>
  parseRegistryHost(repository.startsWith('team/') ? 'team.example' : 'localhost:5000');
const digest = `sha256:${'a'.repeat(64)}`;

describe('a reference', () => {
  it.each([
    ['kcl/core:1.0.0', 'localhost:5000/kcl/core:1.0.0'],
    ['core', 'localhost:5000/core:latest'],
    ['team/tool', 'team.example/team/tool:latest'],
    ['docker.io/team/tool', 'docker.io/team/tool:latest'],
    [`core@${digest}`, `localhost:5000/core@${digest}`],
    [`core:1.0.0@${digest}`, `localhost:5000/core@${digest}`],
    ['ghcr.io/team/tool:1', 'ghcr.io/team/tool:1'],
    ['docker.io/nginx', 'docker.io/library/nginx:latest'],
    ['index.docker.io/library/nginx', 'docker.io/library/nginx:latest'],
    ['127.0.0.1:80/a/b:c', '127.0.0.1:80/a/b:c'],
    ['docker://127.0.0.1:80/a/b:c', '127.0.0.1:80/a/b:c'],
    ['oci://ghcr.io/team/tool:1', 'ghcr.io/team/tool:1'],
    ['oci://kcl/core:1.0.0', 'localhost:5000/kcl/core:1.0.0'],
    ['docker://docker.io/nginx', 'docker.io/library/nginx:latest'],
  ])('%s is %s', (text, full) => {
    expect(referenceText(readReference(text, registryOf))).toBe(full);
  });
});

describe('a layout on disk', () => {
  it.each(['oci:dir:1', 'oci-archive:file.tar:1', 'ocidir://dir'])(
    'is no reference: %s',
    (text) => {
      expect(() => readReference(text, registryOf)).toThrow(/layout on disk/);
    },
  );
});

describe('a repository', () => {
  it('is named without a tag', () => {
    expect(referenceText(readRepository('kcl/core', registryOf))).toBe('localhost:5000/kcl/core');
    expect(() => readRepository('kcl/core:1', registryOf)).toThrow(/names one artifact/);
  });
});
