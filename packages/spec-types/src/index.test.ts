import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

import * as main from './index.js';
import * as node from './node/index.js';
import * as registryApi from './registry-api.js';
import * as retry from './retry.js';
import * as schemas from './schemas.js';
import * as text from './text.js';

describe('the exported names', () => {
  test('of the main entry', () => {
    expect(Object.keys(main).sort()).toEqual([
      'BlobProgress',
      'OciError',
      'Operation',
      'SingleFlight',
      'abortError',
      'amendError',
      'annotations',
      'artifactTypeOf',
      'asOciError',
      'checkedListener',
      'childrenOf',
      'digestAlgorithm',
      'digestEncoded',
      'directoryAnnotations',
      'emptyDescriptor',
      'errorCodes',
      'formatReference',
      'isAbort',
      'isBookkeepingTag',
      'isDigest',
      'isExactVersion',
      'isImageManifestMediaType',
      'isIndexMediaType',
      'isManifestMediaType',
      'isMediaType',
      'isOciError',
      'isPackedDirectory',
      'isRefName',
      'isRepositoryName',
      'isTag',
      'layoutHeader',
      'manifestMediaTypes',
      'maxManifestSize',
      'mediaTypes',
      'networkHost',
      'onceDone',
      'parseContentType',
      'parseDigest',
      'parseImageConfig',
      'parseLayoutHeader',
      'parseManifest',
      'parseReference',
      'parseRegistryHost',
      'parseRepositoryName',
      'parseTag',
      'referrersTag',
      'repositoryNameGrammar',
      'singleChunk',
      'tagOfVersion',
      'throwIfAborted',
      'totalSize',
      'verifiableAlgorithm',
      'versionOfTag',
      'withDefaultTag',
      'withoutProgress',
    ]);
  });

  test.each([
    [
      'registry-api',
      registryApi,
      [
        'parseRegistryErrors',
        'parseRegistryPath',
        'parseRetryAfter',
        'registryErrorBodySchema',
        'registryErrorCodes',
        'registryPaths',
      ],
    ],
    [
      'retry',
      retry,
      ['BackOff', 'Retries', 'defaultRetryRule', 'isTransientStatus', 'mayWait', 'pauseBound'],
    ],
    [
      'schemas',
      schemas,
      [
        'descriptorSchema',
        'imageConfigSchema',
        'imageIndexSchema',
        'imageManifestSchema',
        'isObject',
        'layoutHeaderSchema',
        'parseStrictJson',
        'platformSchema',
      ],
    ],
    [
      'text',
      text,
      [
        'escapeHidden',
        'foldedPath',
        'hasHiddenCharacter',
        'nearest',
        'pathComponents',
        'pathFault',
        'printable',
        'printableJson',
        'quoted',
        'redact',
      ],
    ],
  ])('of ./%s', (_, entry, names) => {
    expect(Object.keys(entry).sort()).toEqual(names);
  });

  test('of ./node', () => {
    expect(Object.keys(node).sort()).toEqual([
      'Verifier',
      'creationTime',
      'describeManifest',
      'digestOf',
      'embeddedContent',
      'forEachConcurrent',
      'isLoopback',
      'isSameButCreated',
      'readBytes',
      'verified',
      'verifyBytes',
      'verifyManifest',
    ]);
  });
});

describe('what a browser loads', () => {
  const imports = /\bfrom '([^']+)'|\bimport\('([^']+)'\)|^import '([^']+)'/gm;
  const nodeOnly = /\b(?:Buffer|process|require|__dirname|__filename|setImmediate|global)\b/;

  /** The sources that an entry reaches, by file name. */
  function reachable(entry: string, found = new Map<string, string>()): Map<string, string> {
    const url = new URL(entry, import.meta.url);
    if (found.has(url.href)) return found;
    const source = readFileSync(url, 'utf8');
    found.set(url.href, source);
    for (const specifier of specifiers(source).filter((name) => name.startsWith('.'))) {
      reachable(new URL(specifier.replace(/\.js$/, '.ts'), url).href, found);
    }
    return found;
  }

  function specifiers(source: string): readonly string[] {
    return [...source.matchAll(imports)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
  }

  function withoutComments(source: string): string {
    return source.replaceAll(/\/\*[^]*?\*\/|\/\/.*$/gm, '');
  }

  test('the main entry imports no package and nothing of Node', () => {
    const sources = reachable('./index.ts');
    const foreign = [...sources.values()]
      .flatMap(specifiers)
      .filter((name) => !name.startsWith('.'));
    expect(foreign).toEqual([]);
    const code = [...sources].map(([file, source]) => [file, withoutComments(source)] as const);
    expect(code.filter(([, source]) => nodeOnly.test(source)).map(([file]) => file)).toEqual([]);
  });

  test('the scan sees what is there', () => {
    expect(reachable('./index.ts').size).toBeGreaterThan(15);
    const ofNode = [...reachable('./node/index.ts').values()];
    expect(ofNode.flatMap(specifiers)).toContain('node:crypto');
    expect(ofNode.some((source) => nodeOnly.test(source))).toBe(true);
  });
});
