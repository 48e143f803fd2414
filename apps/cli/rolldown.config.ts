import { createRequire } from 'node:module';

import { type Plugin, type RolldownOptions, defineConfig } from 'rolldown';

// @boundaries-ignore one build configuration serves every package
import { downloadWorker, program } from '../../rolldown.shared.js';

/**
 * Of undici the part that sends requests: its main file also sets up fetch, web sockets, caches and mocks, which
 * takes as long as a small pull. HTTP/2, which is not used, it can do without by itself.
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

const { output, ...ocictl } = program({ main: './src/main.ts' });

/**
 * What a pull out of the cache runs through is one file, and HTTP another, since each file costs the loader of
 * modules as much time as 100 KiB of text. The thread of `@oci/extensions` is left out: it takes longer to start
 * than ten thousand small files to unpack.
 */
const command: RolldownOptions = {
  ...ocictl,
  preserveEntrySignatures: 'allow-extension',
  plugins: [undiciParts],
  output: {
    ...output,
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
};

/** The worker comes second: what was there is removed with the first. */
export default defineConfig([command, downloadWorker('../../packages/client')]);
