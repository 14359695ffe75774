import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

const KEY = Buffer.alloc(32, 7);

/** A message that came. `isSigned`: by the secret, as Standard Webhooks asks for. */
interface ReceivedWebhook {
  readonly id: string;
  readonly isSigned: boolean;
  readonly path: string;
  readonly text: string;
  readonly body: unknown;
  /** Of a body in the format standard; empty for another one. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** A real receiver of webhooks on a port of its own, for specs: it answers as the spec says. */
export class WebhookReceiverDouble {
  /** In the order in which they came. */
  readonly received: ReceivedWebhook[] = [];
  readonly secret = `whsec_${KEY.toString('base64')}`;
  /** The status to answer with; `never` lets the sender wait. */
  answer: (received: ReceivedWebhook) => number | 'never' = () => 204;
  private readonly server = createServer((request, response) => {
    void this.receive(request, response);
  });

  async start(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}/hook`;
  }

  /** Kind and state of each that came, in order. */
  notices(): string[] {
    return this.received.map(({ data }) => `${String(data['kind'])} ${String(data['state'])}`);
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const raw = await text(request);
    const header = (name: string) => request.headers[name]?.toString() ?? '';
    const id = header('webhook-id');
    const content = `${id}.${header('webhook-timestamp')}.${raw}`;
    const signature = `v1,${createHmac('sha256', KEY).update(content).digest('base64')}`;
    const body: unknown = JSON.parse(raw);
    const data = typeof body === 'object' && body !== null && 'data' in body ? body.data : {};
    const received = {
      ...{ id, path: request.url ?? '', text: raw, body, data: data as ReceivedWebhook['data'] },
      isSigned: header('webhook-signature') === signature,
    };
    this.received.push(received);
    const status = this.answer(received);
    if (status === 'never') return;
    response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {});
    response.end(status === 204 ? undefined : 'as the spec wants it');
  }
}
