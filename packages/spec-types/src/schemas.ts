export { descriptorSchema, platformSchema } from './descriptor.js';
export { type DocumentSchema, type Finding, isObject } from './document-schema.js';
export { imageConfigSchema } from './image-config.js';
export { layoutHeaderSchema } from './layout.js';
export { imageIndexSchema, imageManifestSchema } from './manifest.js';
export { parseStrictJson } from './strict-json.js';
