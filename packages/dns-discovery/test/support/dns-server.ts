import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** DNS record types and response codes (RFC 1035, 2782, 3596). */
export const TYPE = { A: 1, CNAME: 5, AAAA: 28, SRV: 33 } as const;
export const RCODE = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3 } as const;

export interface Answer {
  readonly rcode?: number;
  readonly records?: readonly ResourceRecord[];
  /** Over UDP: no records and the TC bit, so that the client asks again over TCP. */
  readonly truncate?: boolean;
}

export interface ResourceRecord {
  readonly name: string;
  readonly type: number;
  readonly data: Buffer;
}

export interface Question {
  readonly name: string;
  readonly type: number;
  readonly over: 'udp' | 'tcp';
}

export interface DnsServer extends AsyncDisposable {
  /** `ip:port`, as resolvers take it. */
  readonly address: string;
  readonly questions: readonly Question[];
}

/** A name server on loopback, over UDP and TCP on one port; `undefined` as answer means silence. */
export async function dnsServer(
  answer: (question: Question) => Answer | undefined,
): Promise<DnsServer> {
  const questions: Question[] = [];
  const reply = (query: Buffer, over: 'udp' | 'tcp') => {
    const question = readQuestion(query, over);
    questions.push(question);
    const given = answer(question);
    return given && writeAnswer(query, given, over);
  };
  const tcp = createServer((socket) => {
    let seen = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      seen = Buffer.concat([seen, chunk]);
      while (seen.length >= 2 && seen.length >= 2 + seen.readUInt16BE(0)) {
        const end = 2 + seen.readUInt16BE(0);
        const bytes = reply(seen.subarray(2, end), 'tcp');
        seen = seen.subarray(end);
        if (bytes === undefined) continue;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(bytes.length);
        socket.write(Buffer.concat([length, bytes]));
      }
    });
  });
  tcp.listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const bound = tcp.address();
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
  const udp = createSocket('udp4');
  udp.on('message', (query, from) => {
    const bytes = reply(query, 'udp');
    if (bytes !== undefined) udp.send(bytes, from.port, from.address);
  });
  udp.bind(port, '127.0.0.1');
  await once(udp, 'listening');
  return {
    address: `127.0.0.1:${port}`,
    questions,
    async [Symbol.asyncDispose]() {
      udp.close();
      tcp.close();
      await once(tcp, 'close');
    },
  };
}

export const a = (name: string, ip: string): ResourceRecord => ({
  name,
  type: TYPE.A,
  data: Buffer.from(ip.split('.').map(Number)),
});

export const aaaa = (name: string, groups: readonly number[]): ResourceRecord => {
  const data = Buffer.alloc(16);
  groups.forEach((group, index) => {
    data.writeUInt16BE(group, index * 2);
  });
  return { name, type: TYPE.AAAA, data };
};

export const cname = (name: string, target: string): ResourceRecord => ({
  name,
  type: TYPE.CNAME,
  data: writeName(target),
});

export const srv = (
  name: string,
  target: string,
  port: number,
  priority = 0,
  weight = 0,
): ResourceRecord => {
  const head = Buffer.alloc(6);
  head.writeUInt16BE(priority, 0);
  head.writeUInt16BE(weight, 2);
  head.writeUInt16BE(port, 4);
  return { name, type: TYPE.SRV, data: Buffer.concat([head, writeName(target)]) };
};

function readQuestion(query: Buffer, over: 'udp' | 'tcp'): Question {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at++] ?? 0; length > 0; length = query[at++] ?? 0) {
    labels.push(query.toString('latin1', at, at + length));
    at += length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at), over };
}

function writeAnswer(query: Buffer, answer: Answer, over: 'udp' | 'tcp'): Buffer {
  const cut = over === 'udp' && answer.truncate === true;
  const records = cut ? [] : (answer.records ?? []);
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | (cut ? 0x0200 : 0) | (answer.rcode ?? RCODE.NOERROR), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  return Buffer.concat([
    header,
    query.subarray(12, questionEnd(query)),
    ...records.map(writeRecord),
  ]);
}

function questionEnd(query: Buffer): number {
  let at = 12;
  while ((query[at] ?? 0) > 0) at += 1 + (query[at] ?? 0);
  return at + 5;
}

function writeRecord(record: ResourceRecord): Buffer {
  const middle = Buffer.alloc(10);
  middle.writeUInt16BE(record.type, 0);
  middle.writeUInt16BE(1, 2);
  middle.writeUInt32BE(30, 4);
  middle.writeUInt16BE(record.data.length, 8);
  return Buffer.concat([writeName(record.name), middle, record.data]);
}

function writeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}
