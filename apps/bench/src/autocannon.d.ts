/** The part of autocannon that the benchmark uses; the package has no types of its own. */
declare module 'autocannon' {
  interface Request {
    readonly body?: string | Buffer;
    readonly headers?: Readonly<Record<string, string>>;
  }

  interface Options {
    readonly url: string;
    readonly method: 'POST';
    readonly headers: Readonly<Record<string, string>>;
    readonly connections: number;
    /** Seconds. */
    readonly duration?: number;
    /** Requests, over all connections; then `duration` does not count. */
    readonly amount?: number;
    /** Called for every request that is sent. */
    /** Sent one after the other on each connection. */
    readonly requests: readonly (Request & { readonly setupRequest?: (request: Request) => Request })[];
    readonly setupClient: (client: { on(event: 'response', listener: () => void): void }) => void;
  }

  interface Result {
    readonly errors: number;
    readonly timeouts: number;
    readonly non2xx: number;
    /** Milliseconds. */
    readonly latency: { readonly p50: number; readonly p99: number };
  }

  export default function autocannon(options: Options): Promise<Result>;
}
