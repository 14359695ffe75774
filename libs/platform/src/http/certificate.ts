import { readFileSync } from 'node:fs';
import { type Server } from 'node:https';
import { createSecureContext } from 'node:tls';
import { type Logger } from 'pino';
import { reasonOf } from '../auth/private-file.ts';
import { type Companion } from '../replay/followers.ts';
import { SettingsError, type SettingValues } from '../settings/settings.ts';
import { type Timers } from '../time/timers.ts';

/** Files in a mounted Secret are replaced as a whole folder, of which watching a file tells nothing. */
const LOOK_EVERY_MS = 10_000;

/** A certificate with what leads to its authority, and the key to it, as PEM. */
export interface KeyPair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/**
 * The server's certificate. It is replaced while the server runs when the files change; connections that are open keep the
 * old one. A pair that is broken, or half written, changes nothing, and is named in the log and by `/health/ready`.
 */
export class Certificate implements Companion {
  readonly name = 'certificate';
  private pair: KeyPair;
  private wrong: string | undefined;
  private callOff = () => {};

  constructor(private readonly files: Pick<SettingValues, 'tlsCert' | 'tlsKey'>) {
    this.pair = this.read();
  }

  /** What the server starts with. */
  get current(): KeyPair {
    return this.pair;
  }

  /** Looks every 10 seconds whether the files have changed, until `stop`. */
  follow(server: Server, log: Logger, timers: Timers): void {
    this.callOff = timers.after(LOOK_EVERY_MS, () => {
      this.look(server, log);
      this.follow(server, log, timers);
    });
  }

  start(): void {
    return;
  }

  stop(): Promise<void> {
    this.callOff();
    return Promise.resolve();
  }

  notReady(): undefined {
    return undefined;
  }

  trouble(): string | undefined {
    return this.wrong;
  }

  private look(server: Server, log: Logger): void {
    try {
      const pair = this.read();
      this.wrong = undefined;
      if (pair.cert.equals(this.pair.cert) && pair.key.equals(this.pair.key)) return;
      server.setSecureContext(pair);
      this.pair = pair;
      log.info({ file: this.files.tlsCert }, 'the certificate was replaced');
    } catch (error) {
      const wrong = reasonOf(error);
      if (wrong !== this.wrong) log.error({ err: error }, 'the new certificate is not used, the old one still is');
      this.wrong = wrong;
    }
  }

  private read(): KeyPair {
    const { tlsCert, tlsKey } = this.files;
    try {
      const pair = { cert: readFileSync(tlsCert), key: readFileSync(tlsKey) };
      // It throws where the key is not that of the certificate.
      createSecureContext(pair);
      return pair;
    } catch (error) {
      const because = reasonOf(error);
      throw new SettingsError(`${tlsCert} and ${tlsKey} are no certificate and its key: ${because}`);
    }
  }
}
