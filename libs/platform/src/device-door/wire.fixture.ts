import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A connection over which a spec says byte for byte what it likes, and hears the answers one after the other. */
export class Wire {
  private readonly socket: Socket;
  private received = '';
  private readonly answers: Answer[] = [];
  private readonly ended = Promise.withResolvers<undefined>();
  private arrival = Promise.withResolvers<undefined>();
  /** Interim answers (`100 Continue`) so far. */
  continues = 0;
  isClosed = false;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('data', (chunk) => {
      this.received += chunk.toString('latin1');
      while (this.takeAnswer());
      this.arrival.resolve(undefined);
      this.arrival = Promise.withResolvers();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.isClosed = true;
      this.ended.resolve(undefined);
    });
  }

  say(text: string | Uint8Array): this {
    this.socket.write(text);
    return this;
  }

  /** The first answer that was not taken yet, at once when it comes. Throws when the server closes without one. */
  async answer(): Promise<Answer> {
    for (;;) {
      const answer = this.answers.shift();
      if (answer !== undefined) return answer;
      if (this.isClosed) throw new Error('closed without an answer');
      await Promise.race([this.arrival.promise, this.ended.promise]);
    }
  }

  /** The same where there may be none. */
  answerSoFar(): Answer | undefined {
    return this.answers.shift();
  }

  /** Resolves once the connection is closed, by whichever end. */
  closed(): Promise<unknown> {
    return this.ended.promise;
  }

  close(): void {
    this.socket.destroy();
  }

  private takeAnswer(): boolean {
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const [first = '', ...lines] = this.received.slice(0, end).split('\r\n');
    const status = Number(first.split(' ')[1]);
    if (status === 100) {
      this.continues += 1;
      this.received = this.received.slice(end + 4);
      return true;
    }
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
    );
    const length = Number(headers['content-length'] ?? 0);
    if (this.received.length < end + 4 + length) return false;
    const text = this.received.slice(end + 4, end + 4 + length);
    this.received = this.received.slice(end + 4 + length);
    this.answers.push({ status, headers, body: (text === '' ? {} : JSON.parse(text)) as Answer['body'] });
    return true;
  }
}
