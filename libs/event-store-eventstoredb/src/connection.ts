import { EventStoreDBClient } from '@eventstore/db-client';

/** What a connection string may set. Others have no effect with this client, or would undo what the store relies on. */
const OPTIONS = [
  'tls',
  'tlsCAFile',
  'connectionName',
  'nodePreference',
  'maxDiscoverAttempts',
  'discoveryInterval',
  'gossipTimeout',
  'keepAliveInterval',
  'keepAliveTimeout',
];
const SHAPE = /^esdb(?:\+discover)?:\/\/(?:(?<user>[^@/?]*)@)?(?<hosts>[^@/?]+)\/?(?:\?(?<options>.*))?$/;

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface Connection {
  readonly client: EventStoreDBClient;
  /**
   * Handed in with every append: the client then makes one call an append. Without them it would take its batch call, whose
   * open promises are in one map for all clients of the process: an error of one fails the appends of the others, and an
   * answer to one of those ends the process. On a connection without TLS the client does not send them.
   */
  readonly credentials: Credentials;
  /** The hosts, for messages. */
  readonly hosts: string;
}

/** The connection string cannot be used. The message names the fault and nothing of the string but option names. */
export class ConnectionStringRefused extends Error {
  override readonly name = 'ConnectionStringRefused';
}

/** Connects on first use. Throws ConnectionStringRefused. */
export function connectionTo(connectionString: string): Connection {
  const { user, hosts = '', options = '' } = SHAPE.exec(connectionString.trim())?.groups ?? {};
  if (hosts === '') refuse('it does not read like esdb://user:password@host:2113 or esdb://host:2113?tls=false');
  const settings = new URLSearchParams(options);
  checkOptions(settings);
  const credentials = credentialsOf(user);
  if (credentials === undefined && settings.get('tls') !== 'false') refuse('TLS needs a user and a password');
  return {
    client: clientOf(connectionString),
    credentials: credentials ?? { username: '', password: '' },
    hosts,
  };
}

function checkOptions(settings: URLSearchParams): void {
  for (const name of settings.keys()) {
    if (!OPTIONS.includes(name)) refuse(`it has the option ${name}; there are ${OPTIONS.join(', ')}`);
  }
  const tls = settings.get('tls') ?? 'true';
  if (tls !== 'true' && tls !== 'false') refuse('its option tls is neither true nor false');
}

function credentialsOf(user: string | undefined): Credentials | undefined {
  if (user === undefined) return undefined;
  const [username, password, ...rest] = user.split(':');
  // The client would cut the password off at its first colon, and say nothing.
  if (!username || !password || rest.length > 0)
    refuse('its user is not user:password, with : and @ within as %3A and %40');
  try {
    return { username: decodeURIComponent(username), password: decodeURIComponent(password) };
  } catch {
    return refuse('its user has a % that begins no percent-encoding');
  }
}

function clientOf(connectionString: string): EventStoreDBClient {
  try {
    return EventStoreDBClient.connectionString(connectionString);
  } catch (error) {
    // What the client says about the string has parts of it.
    const isFile = error instanceof Error && error.message.includes('certificate file');
    return refuse(isFile ? 'its tlsCAFile was not found' : 'the client library does not understand it');
  }
}

function refuse(fault: string): never {
  throw new ConnectionStringRefused(`the connection string of EventStoreDB cannot be used: ${fault}`);
}
