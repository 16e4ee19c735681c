// One of our nodes as a program embeds it, which writes when it is told to and notes when it sees what others wrote.
// Argument: the IP for its control address. Standard output carries one line of JSON with the URL.
import { createServer, type IncomingMessage } from 'node:http';

import { RecordedNode } from './recorded-node.ts';

const host = process.argv[2];
let node: RecordedNode | undefined;

async function handle(path: string, body: string): Promise<unknown> {
  switch (path) {
    case '/stop':
      await node?.close();
      node = undefined;
      return {};
    case '/start':
      node = await RecordedNode.start(JSON.parse(body));
      return {};
    case '/writes':
      running().plan(JSON.parse(body));
      return {};
    case '/view':
      return running().view();
    case '/recording':
      return running().recording();
    default:
      throw new RangeError(`there is nothing at ${path}`);
  }
}

function running(): RecordedNode {
  if (node === undefined) throw new RangeError('no node was started: post to /start first');
  return node;
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const server = createServer((request, response) => {
  textOf(request)
    .then((body) => handle(request.url ?? '', body))
    .then(
      (answer) => response.end(JSON.stringify(answer)),
      (error: unknown) => {
        response.statusCode = 400;
        response.end(error instanceof Error ? error.message : String(error));
      },
    );
});
server.listen(0, host, () => {
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  console.log(JSON.stringify({ controlUrl: `http://${host}:${port}` }));
});
