import type { FastifyInstance } from 'fastify';

import { docsPage, docsScript } from './docs-page.js';
import { homePage, homeScript } from './home-page.js';
import { style } from './style.js';

const html = 'text/html; charset=utf-8';
const script = 'text/javascript; charset=utf-8';

const pages: Readonly<Record<string, readonly [type: string, content: string]>> = {
  '/': [html, homePage],
  '/docs': [html, docsPage],
  '/assets/home.js': [script, homeScript],
  '/assets/docs.js': [script, docsScript],
  '/assets/style.css': ['text/css; charset=utf-8', style],
};

/** The pages for people; all they need comes from the server itself. */
export function addWebPages(app: FastifyInstance): void {
  for (const [url, [type, content]] of Object.entries(pages)) {
    app.get(url, (_, reply) => reply.type(type).send(content));
  }
  // Anybody may ask for it, and as text it is made once.
  let document: string | undefined;
  app.get('/openapi.json', (_, reply) => {
    document ??= JSON.stringify(app.swagger());
    return reply.type('application/json; charset=utf-8').send(document);
  });
}
