import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

/**
 * Traffic for the network's figures, in the network namespace it is started in.
 * usage: traffic.ts serve PORT                       accepts, and hangs up at once; says `ready`
 *        traffic.ts connect HOST PORT SECONDS        prints connections a second
 *        traffic.ts resolve SERVER NAME SECONDS      prints answers a second
 */
const [mode, ...words] = process.argv.slice(2);
const atOnce = 16;

function serve(port: number): void {
  const server = createServer((socket) => socket.end());
  server.listen(port, '0.0.0.0', 1024, () => console.log('ready'));
}

async function connections(host: string, port: number, seconds: number): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let done = 0;
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(port, host);
      socket.once('error', reject);
      socket.once('close', () => resolve());
      socket.resume();
    });
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (; performance.now() < end; done++) await one();
    }),
  );
  return done / seconds;
}

/** One A question, RFC 1035 section 4.1. */
function question(id: number, name: string): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(0x0100, 2);
  head.writeUInt16BE(1, 4);
  const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([head, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
}

async function answers(server: string, name: string, seconds: number): Promise<number> {
  const socket = createSocket('udp4');
  let done = 0;
  let id = 0;
  const ask = () => {
    id = (id + 1) & 0xffff;
    socket.send(question(id, name), 53, server);
  };
  socket.on('message', (answer: Buffer) => {
    if (answer.readUInt16BE(6) === 0) throw new Error(`${server} does not know ${name}`);
    done++;
    ask();
  });
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.bind(0, resolve);
  await promise;
  for (let index = 0; index < atOnce; index++) ask();
  await new Promise((wake) => setTimeout(wake, seconds * 1000));
  socket.close();
  return done / seconds;
}

const [first = '', second = '', third = '1'] = words;
if (mode === 'serve') serve(Number(first));
else if (mode === 'connect') console.log(await connections(first, Number(second), Number(third)));
else if (mode === 'resolve') console.log(await answers(first, second, Number(third)));
else throw new Error(`unknown: ${mode}`);
if (mode !== 'serve') process.exit(0);
