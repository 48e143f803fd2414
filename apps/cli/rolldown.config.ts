import { createRequire, isBuiltin } from 'node:module';

import { type Plugin, defineConfig } from 'rolldown';

/** Commander starts programs for commands that are files of their own; there are none, and loading it takes 3 ms. */
const withoutSubprograms: Plugin = {
  name: 'without-subprograms',
  transform: {
    filter: { id: /commander\/lib\/command\.js$/ },
    handler: (code) => ({ code: code.replace("require('node:child_process')", '{}'), map: null }),
  },
};

/**
 * Of undici the part that sends requests: its main file also sets up fetch, web sockets, caches and mocks. HTTP/2,
 * which is not used, it can do without by itself.
 */
const undiciParts: Plugin = {
  name: 'undici-parts',
  resolveId: {
    filter: { id: /^(?:undici|node:http2)$/ },
    handler: (id) => ({ id: `\0${id}`, moduleSideEffects: false }),
  },
  load: {
    filter: { id: /^\0(?:undici|node:http2)$/ },
    handler: (id) => {
      if (id !== '\0undici') return 'module.exports = { constants: {} };';
      const client = createRequire(new URL('../../packages/client/package.json', import.meta.url));
      const part = (name: string): string =>
        `require(${JSON.stringify(client.resolve(`undici/lib/${name}.js`))})`;
      return [
        // Its parser is WebAssembly: to optimize it takes 90 ms of a second core, and the end of the process waits.
        "process.getBuiltinModule('node:v8').setFlagsFromString('--liftoff-only');",
        `Object.assign(${part('dispatcher/dispatcher')}.prototype, ${part('api/index')});`,
        `exports.Agent = ${part('dispatcher/agent')};`,
        `exports.ProxyAgent = ${part('dispatcher/proxy-agent')};`,
        `exports.buildConnector = ${part('core/connect')};`,
      ].join('\n');
    },
  },
};

/**
 * The modules of Node, got without the loader of ES modules, which makes a copy of each with all its exports: those
 * of `node:crypto` and `node:fs` lead to a dozen others.
 */
const builtins: Plugin = {
  name: 'builtins',
  resolveId: {
    filter: { id: /^node:|^[a-z_]+(?:\/promises)?$/ },
    handler: (id, importer, { kind }) =>
      !isBuiltin(id) || kind === 'dynamic-import' || importer?.startsWith('\0')
        ? undefined
        : {
            id: `\0${kind === 'require-call' ? 'required' : 'imported'}:${id}`,
            moduleSideEffects: false,
          },
  },
  load: {
    filter: { id: /^\0(?:required|imported):/ },
    handler: (id) => {
      const name = id.slice(id.indexOf(':') + 1);
      const builtin = `process.getBuiltinModule('${name}')`;
      if (id.startsWith('\0required')) return `module.exports = ${builtin};`;
      const names = Object.keys(process.getBuiltinModule(name) ?? {}).filter(
        (key) => key !== 'default',
      );
      return [
        `const builtin = ${builtin};`,
        'export default builtin;',
        ...names.map((key, at) => `const _${at} = builtin.${key}; export { _${at} as ${key} };`),
      ].join('\n');
    },
  },
};

/**
 * One program with all that it needs. What a pull out of the cache runs through is one file, since each
 * file costs the loader of modules as much time as 100 KiB of text; the rest is read when it is needed.
 */
export default defineConfig({
  // Without the thread of `@oci/extensions`: it takes longer to start than ten thousand small files to unpack.
  input: { main: 'src/main.ts' },
  platform: 'node',
  logLevel: 'warn',
  resolve: { conditionNames: ['@oci/source', 'node', 'import', 'module'] },
  transform: { target: 'node20' },
  treeshake: { propertyReadSideEffects: false },
  preserveEntrySignatures: 'allow-extension',
  plugins: [withoutSubprograms, undiciParts, builtins],
  output: {
    dir: 'dist',
    cleanDir: true,
    format: 'esm',
    minify: true,
    sourcemap: true,
    chunkFileNames: '[name]-[hash].js',
    codeSplitting: {
      groups: [
        { name: 'version', test: /apps\/cli\/package\.json$/, priority: 2 },
        { name: 'pull', test: /apps\/cli\/src\/(?:start|commands\/pull)\.ts$/ },
        {
          name: 'http',
          test: /packages\/client\/src\/(?:reach|repository\/abilities|transport\/connection-pools)\.ts$/,
        },
      ],
    },
  },
});
