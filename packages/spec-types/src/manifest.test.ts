import { describe, expect, test } from 'vitest';

import { documents } from '../test-vectors.js';
import {
  artifactTypeOf,
  childrenOf,
  emptyDescriptor,
  maxManifestSize,
  mediaTypes,
  parseManifest,
} from './index.js';

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const layer = { mediaType: mediaTypes.layerTarGzip, digest: `sha256:${'1'.repeat(64)}`, size: 1 };
const config = { mediaType: mediaTypes.imageConfig, digest: `sha256:${'2'.repeat(64)}`, size: 2 };
const image = { schemaVersion: 2, config, layers: [layer] };
const index = { schemaVersion: 2, manifests: [{ ...layer, mediaType: mediaTypes.imageManifest }] };

describe.each([
  ['manifest', 'image', mediaTypes.imageManifest],
  ['index', 'index', mediaTypes.imageIndex],
] as const)('documents of kind %s', (directory, kind, defaultType) => {
  test.each(documents(directory, 'valid'))(
    '$name is read, with its unknown fields',
    ({ bytes }) => {
      const value = JSON.parse(new TextDecoder().decode(bytes)) as { mediaType?: string };
      expect(parseManifest(bytes)).toEqual({
        kind,
        mediaType: value.mediaType ?? defaultType,
        document: value,
      });
    },
  );

  test.each(documents(directory, 'valid'))(
    '$name is not what another Content-Type says',
    ({ bytes }) => {
      const own = parseManifest(bytes).mediaType;
      const otherKind = kind === 'image' ? mediaTypes.imageIndex : mediaTypes.imageManifest;
      expect(parseManifest(bytes, own).kind).toBe(kind);
      expect(() => parseManifest(bytes, otherKind)).toThrow(
        expect.objectContaining({ code: 'DOCUMENT_INVALID' }),
      );
    },
  );

  test.each(documents(directory, 'lenient'))('$name is read without what is null', ({ bytes }) => {
    const { kind: read, document } = parseManifest(bytes, defaultType);
    expect(read).toBe(kind);
    expect(Object.values(document)).not.toContain(null);
    expect(Object.values(document)).not.toContain('');
  });

  test.each(documents(directory, 'invalid'))('$name is refused', ({ name, bytes }) => {
    const code = name.startsWith('unsupported-') ? 'UNSUPPORTED' : 'DOCUMENT_INVALID';
    const refused = expect.objectContaining({
      name: 'OciError',
      code,
      hint: expect.any(String) as string,
    });
    expect(() => parseManifest(bytes)).toThrow(refused);
    if (code === 'UNSUPPORTED') return;
    expect(() => parseManifest(bytes, defaultType)).toThrow(refused);
    expect(() => parseManifest(bytes, 'application/json')).toThrow(refused);
  });
});

describe('the type of a document', () => {
  test.each(['application/json', 'text/plain', 'application/octet-stream'])(
    'is its own where the server says %s, which means nothing',
    (servedAs) => {
      expect(
        parseManifest(encode({ ...image, mediaType: mediaTypes.dockerManifest }), servedAs)
          .mediaType,
      ).toBe(mediaTypes.dockerManifest);
      expect(parseManifest(encode(index), servedAs).kind).toBe('index');
    },
  );

  test('is the one that it was served with, when it names none', () => {
    expect(parseManifest(encode(image), mediaTypes.dockerManifest).mediaType).toBe(
      mediaTypes.dockerManifest,
    );
    expect(parseManifest(encode(index), mediaTypes.dockerManifestList).mediaType).toBe(
      mediaTypes.dockerManifestList,
    );
  });

  test.each([mediaTypes.dockerManifest, mediaTypes.imageIndex, 'application/vnd.example+json'])(
    'is refused when it was served as %s and names the type of an OCI manifest',
    (servedAs) => {
      expect(() =>
        parseManifest(encode({ ...image, mediaType: mediaTypes.imageManifest }), servedAs),
      ).toThrow(/was served as/);
    },
  );

  test.each([
    [image, mediaTypes.imageIndex],
    [index, mediaTypes.imageManifest],
    [{ ...image, mediaType: mediaTypes.imageIndex }, mediaTypes.imageIndex],
    [{ ...index, mediaType: mediaTypes.imageManifest }, mediaTypes.imageManifest],
  ])('that contradicts its fields is refused (CVE-2021-41190): %j as %s', (value, servedAs) => {
    expect(() => parseManifest(encode(value), servedAs)).toThrow(
      expect.objectContaining({ code: 'DOCUMENT_INVALID' }),
    );
  });

  test('of a document that is both manifest and index can not be told (CVE-2021-41190)', () => {
    const both = encode({ ...image, ...index, mediaType: 'application/vnd.example+json' });
    expect(() => parseManifest(both)).toThrow(/"manifests" beside/);
  });

  test.each([mediaTypes.dockerSchema1, mediaTypes.dockerSchema1Signed])(
    '%s is obsolete',
    (servedAs) => {
      const bytes = encode({ schemaVersion: 1, fsLayers: [], history: [] });
      expect(() => parseManifest(bytes, servedAs)).toThrow(
        expect.objectContaining({ code: 'UNSUPPORTED', hint: expect.any(String) as string }),
      );
      expect(() => parseManifest(encode(image), servedAs)).toThrow(
        expect.objectContaining({ code: 'UNSUPPORTED' }),
      );
    },
  );
});

describe('a hostile document as large as a manifest may be', () => {
  const room = maxManifestSize - 1000;

  test('a list of millions of wrong entries ends with one finding', () => {
    const layers = `[${'0,'.repeat(room / 2)}0]`;
    const text = JSON.stringify({ ...image, layers: [] }).replace('[]', layers);
    expect(() => parseManifest(new TextEncoder().encode(text))).toThrow(
      /^the manifest is invalid: layers\.0: [^;]*$/,
    );
  });

  test('so does a list of a million empty objects, and a map of wrong values', () => {
    const layers = `[${'{},'.repeat(room / 3)}{}]`;
    const text = JSON.stringify({ ...image, layers: [] }).replace('[]', layers);
    expect(() => parseManifest(new TextEncoder().encode(text))).toThrow(/layers\.0\.mediaType/);
    const annotations = Object.fromEntries(
      Array.from({ length: 200_000 }, (_, at) => [`k${at}`, at]),
    );
    expect(() => parseManifest(encode({ ...image, annotations }))).toThrow(
      /annotations\.k0: [^;]*$/,
    );
  });

  test('and an honest index of 4 MiB is read', () => {
    const entry = { ...index.manifests[0], annotations: { a: 'b' } };
    const count = Math.floor(room / JSON.stringify([entry]).length);
    const bytes = encode({ ...index, manifests: Array.from({ length: count }, () => entry) });
    expect(childrenOf(parseManifest(bytes))).toHaveLength(count);
  });
});

describe('fields that are null or missing (image-spec issue 1025, zot issue 1772)', () => {
  const read = (value: unknown, servedAs?: string) =>
    parseManifest(encode(value), servedAs).document;

  test.each([
    [
      { ...image, layers: null },
      { ...image, layers: [] },
    ],
    [
      { schemaVersion: 2, config },
      { ...image, layers: [] },
    ],
    [
      { schemaVersion: 2, layers: [layer], config: null },
      { schemaVersion: 2, layers: [layer] },
    ],
    [{ ...image, annotations: null, subject: null, artifactType: '', mediaType: null }, image],
    [{ ...image, manifests: null }, image],
    [
      { ...image, annotations: { a: null, b: 'c' } },
      { ...image, annotations: { b: 'c' } },
    ],
    [
      { ...image, layers: [{ ...layer, annotations: null, urls: null, data: '' }], mediaType: '' },
      image,
    ],
    [{ ...index, annotations: null, config: null, layers: null }, index],
    [
      { ...index, manifests: [{ ...layer, platform: null, artifactType: '' }] },
      { ...index, manifests: [layer] },
    ],
    [
      { manifests: [{ ...layer, platform: { os: 'a', architecture: 'b', 'os.features': null } }] },
      { manifests: [{ ...layer, platform: { os: 'a', architecture: 'b' } }] },
    ],
  ])('%j is read as %j', (value, expected) => {
    expect(read({ schemaVersion: 2, ...value })).toEqual({ schemaVersion: 2, ...expected });
  });

  test('an index without manifests has none, when its type says that it is an index', () => {
    expect(read({ schemaVersion: 2, manifests: null }, mediaTypes.imageIndex)).toEqual({
      schemaVersion: 2,
      manifests: [],
    });
  });

  test('a document that has nothing of either kind is refused without a type', () => {
    expect(() => read({ schemaVersion: 2 })).toThrow(/neither a manifest nor an index/);
    expect(read({ schemaVersion: 2 }, mediaTypes.imageManifest)).toEqual({
      schemaVersion: 2,
      layers: [],
    });
  });

  test('an artifact without a config has no type but its own', () => {
    const bare = parseManifest(encode({ schemaVersion: 2, layers: [layer] }));
    expect(artifactTypeOf(bare)).toBeUndefined();
    expect(childrenOf(bare)).toEqual([layer]);
  });
});

describe('artifactTypeOf', () => {
  test.each([
    [{ ...image, artifactType: 'a/b' }, 'a/b'],
    [image, mediaTypes.imageConfig],
    [{ ...image, config: emptyDescriptor }, mediaTypes.empty],
    [{ ...index, artifactType: 'a/b' }, 'a/b'],
    [index, undefined],
  ])('of %j is %s', (value, expected) => {
    expect(artifactTypeOf(parseManifest(encode(value)))).toBe(expected);
  });
});

test('the children are the config and the layers, or the manifests, in their order', () => {
  expect(childrenOf(parseManifest(encode(image)))).toEqual([config, layer]);
  expect(childrenOf(parseManifest(encode(index)))).toEqual(index.manifests);
  expect(childrenOf(parseManifest(encode({ ...image, subject: layer })))).toEqual([config, layer]);
});
