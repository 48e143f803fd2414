// node webhook-receiver.mjs SECRET_FILE PORT prints the events of an oci-server.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

const [secretFile = 'webhook.secret', port = '8080'] = process.argv.slice(2);
const key = Buffer.from(readFileSync(secretFile, 'utf8').trim().slice('whsec_'.length), 'base64');

/** @param {import('node:http').IncomingHttpHeaders} headers @param {string} body */
function isSigned(headers, body) {
  const [id, sent, given = ''] = ['id', 'timestamp', 'signature'].map((name) =>
    String(headers[`webhook-${name}`]),
  );
  const hmac = createHmac('sha256', key).update(`${id}.${sent}.${body}`);
  const expected = Buffer.from(`v1,${hmac.digest('base64')}`);
  const signatures = given.split(' ').map((one) => Buffer.from(one, 'latin1'));
  return (
    signatures.some((one) => one.length === expected.length && timingSafeEqual(one, expected)) &&
    Math.abs(Date.now() / 1000 - Number(sent)) < 300
  );
}

const server = createServer(async (request, response) => {
  const body = await text(request);
  if (isSigned(request.headers, body)) {
    const { id, type, subject } = JSON.parse(body);
    console.log(type, subject, id); // An event may come twice: drop an id that you know.
    response.statusCode = 204;
  } else response.statusCode = 401;
  response.end();
});
server.listen(Number(port), '127.0.0.1', () => console.log('listens', server.address()));
