// The least that a listing asks for, and nothing else: HOST NAMESPACE [MANIFESTS]. With `manifests` every
// manifest is fetched, otherwise only the catalog and the tags. Nothing is verified or kept.
import http from 'node:http';

const [, , host = '', namespace = '', wanted] = process.argv;
const atOnce = 32;
const agent = new http.Agent({ keepAlive: true, maxSockets: atOnce });
const accept = 'application/vnd.oci.image.manifest.v1+json';

/**
 * @param {string} path
 * @returns {Promise<{ text: string, link: string | undefined }>}
 */
function get(path) {
  return new Promise((resolve, reject) => {
    http
      .get(`http://${host}${path}`, { agent, headers: { accept } }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve({ text, link: String(response.headers['link'] ?? '') }));
        response.on('error', reject);
      })
      .on('error', reject);
  });
}

/**
 * @template T
 * @param {readonly T[]} items
 * @param {(item: T) => Promise<void>} work
 */
async function each(items, work) {
  const rest = items.values();
  const worker = async () => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

const names = [];
for (let path = '/v2/_catalog?n=1000'; path !== '';) {
  const { text, link } = await get(path);
  names.push(...JSON.parse(text).repositories);
  path = /<([^>]+)>/.exec(link ?? '')?.[1] ?? '';
}
/** @type {string[]} */
const manifests = [];
await each(
  names.filter((name) => name.startsWith(`${namespace}/`)),
  async (name) => {
    const { tags } = JSON.parse((await get(`/v2/${name}/tags/list`)).text);
    manifests.push(...tags.map((/** @type {string} */ tag) => `/v2/${name}/manifests/${tag}`));
  },
);
if (wanted === 'manifests') await each(manifests, async (path) => void (await get(path)));
console.log(manifests.length);
agent.destroy();
