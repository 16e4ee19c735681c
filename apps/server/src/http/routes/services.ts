import type { FastifyInstance } from 'fastify';
import type { HttpContext } from '../context.ts';
import { html } from '../html/html.ts';
import { stateCell } from '../html/state.ts';
import { wantsJson } from '../negotiate.ts';
import { sendJson, sendPage } from '../page.ts';

/** `/services`: the parts of the node and how far each is. */
export function servicesRoutes(app: FastifyInstance, context: HttpContext): void {
  app.get('/services', async (request, reply) => {
    const services = context.node.services();
    if (wantsJson(request.headers.accept)) return await sendJson(reply, { services });
    const body = html`<div class="scroll"><table>
<caption>Parts in the order in which they start</caption>
<thead><tr><th scope="col">Service</th><th scope="col">State</th></tr></thead>
<tbody>${services.map(
      ({ name, state }) =>
        html`<tr><th scope="row">${name}</th><td>${stateCell(state)}</td></tr>
`,
    )}</tbody></table></div>`;
    return await sendPage(request, reply, { title: 'Services', body, live: true });
  });
}
