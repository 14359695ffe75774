/** A listener besides PLAINTEXT, which is always there. */
export type SecuredListener = 'SASL_PLAINTEXT' | 'SSL' | 'SASL_SSL';

export interface BrokerOptions {
  /**
   * Data, settings, certificate and log. A broker that starts on the folder of an earlier one is that broker. Default: a
   * temporary folder, removed when the broker is disposed of.
   */
  readonly folder?: string;
  /** Port of the PLAINTEXT listener; without it, a free one. Kept in the folder, as all ports are. */
  readonly port?: number;
  readonly secured?: readonly SecuredListener[];
  /** Passwords by name, for SASL PLAIN and SCRAM-SHA-256. SCRAM knows those of the first start only. */
  readonly users?: Readonly<Record<string, string>>;
  /** More lines for server.properties; they win over the defaults. */
  readonly properties?: Readonly<Record<string, string | number | boolean>>;
}

/** Disposing of it kills it and removes its folder, if that was a temporary one. */
export interface Broker extends AsyncDisposable {
  readonly folder: string;
  /** The PLAINTEXT address, `127.0.0.1:port`. */
  readonly brokers: string;
  /** `127.0.0.1:port` by listener. */
  readonly addresses: Readonly<{ PLAINTEXT: string } & Partial<Record<SecuredListener, string>>>;
  /** The certificate that the TLS listeners show, in PEM, for clients to trust. Only there with SSL or SASL_SSL. */
  readonly certificateFile: string;
  readonly logFile: string;
  /** Undefined while the broker is down. */
  readonly processId: number | undefined;
  /** Ends the broker in good order (SIGTERM). */
  stop(): Promise<void>;
  /** Ends the broker as a power cut would (SIGKILL). */
  kill(): Promise<void>;
  /** Starts again on the same data and ports, after a stop, a kill, or neither; resolves when the broker answers. */
  restart(): Promise<void>;
}

/** What deploy/kafka/broker.mjs exports. */
interface BrokerModule {
  /**
   * Starts a real Kafka broker as a child process and resolves when it answers. It dies with this process, however that
   * ends. Throws, with the code `missing-tool`, when Java or Maven has to be installed.
   */
  startBroker(options?: BrokerOptions): Promise<Broker>;
  /** True when a broker at this address answers and is part of its cluster. */
  isAlive(brokers: string): Promise<boolean>;
}

/** The scripts of deploy belong to no project and have no types, and kafkajs is not loaded for tests without Kafka. */
export async function brokerModule(): Promise<BrokerModule> {
  const script = new URL('../../../deploy/kafka/broker.mjs', import.meta.url);
  return (await import(script.href)) as BrokerModule;
}
