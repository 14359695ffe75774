import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { checkPublicEvent } from '@sluice/contracts/feed-check';
import { TOKEN_NAME_CHARACTERS_MAX } from '@sluice/contracts/tokens';
import { type AccessEvent, isReservedName } from '@sluice/domain-catalog';
import { EventStore } from '@sluice/event-sourcing';
import { ACCESS_STREAM, AccessFollower, isMissing, reasonOf, Tokens } from '@sluice/platform';

const FOLDER = 'tokens';
const TOKEN_FILE = /^([0-9a-f]{12})\.json$/;
const DONE = '.taken-over';
const EVENTS_PER_COMMIT = 500;
const COMMIT_ID_DIGITS = 32;

type Issued = Extract<AccessEvent, { type: 'TokenIssued' }>;

/**
 * Takes over the tokens that former versions kept as files, one a token, before anybody asks. Each becomes an event once,
 * also after a crash in between and where the files cannot be moved: whose id was issued before is passed over, revoked or
 * not. A file that cannot be read is named and stays where it is, and keeps no other one back.
 */
@Injectable()
export class TokenFiles implements OnModuleInit {
  private readonly log = new Logger('tokens');
  private readonly folder: string;

  constructor(
    tokens: Tokens,
    private readonly store: EventStore,
    private readonly access: AccessFollower,
  ) {
    this.folder = join(tokens.folder, FOLDER);
  }

  async onModuleInit(): Promise<void> {
    const files = this.list();
    if (files.length === 0) return;
    try {
      await this.takeOver(files);
    } catch (error) {
      // The next start tries again. Until then these tokens are not known, and everything else goes on.
      this.note(files, error);
    }
  }

  private async takeOver(files: readonly string[]): Promise<void> {
    const { table, revision } = await this.access.readOwn(this.store);
    const issued: Issued[] = [];
    const names = new Set([...table.all()].map(({ token }) => token.name));
    for (const file of files) {
      const token = this.read(file);
      if (token === undefined || table.wasIssued(token.tokenId)) continue;
      issued.push({ ...token, name: uniqueName(token, names) });
    }
    let expected = revision;
    for (let from = 0; from < issued.length; from += EVENTS_PER_COMMIT) {
      const events = issued.slice(from, from + EVENTS_PER_COMMIT);
      expected = await this.append(events, expected);
    }
    if (issued.length > 0) {
      await this.access.readOwn(this.store);
      this.log.log(`${String(issued.length)} tokens were taken over from ${this.folder}`);
    }
    for (const file of files) if (!this.access.notTakenOver.includes(file)) this.putAside(file);
  }

  private async append(events: readonly Issued[], expected: number | undefined): Promise<number> {
    const ids = events.map(({ tokenId }) => tokenId).join(' ');
    const commitId = createHash('sha256').update(`token files ${ids}`).digest('hex').slice(0, COMMIT_ID_DIGITS);
    const { revision } = await this.store.append({
      stream: ACCESS_STREAM,
      expected: expected ?? 'no-stream',
      commitId,
      metadata: { actor: 'system:token-files', correlationId: commitId },
      body: { kind: 'events', events },
    });
    return revision;
  }

  private list(): readonly string[] {
    try {
      return readdirSync(this.folder).filter((file) => TOKEN_FILE.test(file));
    } catch (error) {
      if (!isMissing(error)) this.note([FOLDER], error);
      return [];
    }
  }

  private read(file: string): Issued | undefined {
    try {
      return toIssued(file, JSON.parse(readFileSync(join(this.folder, file), 'utf8')));
    } catch (error) {
      this.note([file], error);
      return undefined;
    }
  }

  private note(files: readonly string[], error: unknown): void {
    this.access.notTakenOver = [...new Set([...this.access.notTakenOver, ...files])];
    const reason = reasonOf(error);
    for (const file of files) this.log.error(`${join(this.folder, file)} is not taken over: ${reason}`);
  }

  private putAside(file: string): void {
    try {
      renameSync(join(this.folder, file), join(this.folder, `${file}${DONE}`));
    } catch (error) {
      this.log.warn(`${file} was taken over, and stays where it is: ${String(error)}`);
    }
  }
}

/** Throws when it is no token. */
function toIssued(file: string, content: unknown): Issued {
  const { id, name, roles, binding, createdAt, secretSha256 } = content as Readonly<Record<string, unknown>>;
  const issued = {
    ...{ type: 'TokenIssued', tokenId: id, name, roles, secretSha256, at: createdAt },
    ...(binding !== undefined && { binding }),
  };
  const checked = checkPublicEvent(issued);
  if ('fault' in checked) throw new Error(checked.fault);
  if (file !== `${String(id)}.json`) throw new Error(`it holds the token ${String(id)}`);
  return issued as Issued;
}

/** Names were not unique, nor was one kept for Sluice: the id tells them apart. Adds the name to those that are taken. */
function uniqueName({ name, tokenId }: Issued, taken: Set<string>): string {
  const start = `${tokenId} `;
  const isFree = !taken.has(name) && !isReservedName(name);
  const unique = isFree ? name : `${start}${name.slice(0, TOKEN_NAME_CHARACTERS_MAX - start.length)}`;
  taken.add(unique);
  return unique;
}
