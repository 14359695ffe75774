import { readFileSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { isTime } from '@sluice/contracts/times';
import { type Clock, toTimeText } from '@sluice/event-sourcing';
import { isMissing, reasonOf, replacePrivateFile } from './private-file.ts';
import { type Tokens } from './tokens.ts';

const MS_PER_HOUR = 3_600_000;

/**
 * In which hour each token was last used in this process. No request waits for it and no event tells of it: it is in memory,
 * and now and then in a file, so that the last minutes may be lost.
 */
export class TokenUses {
  private readonly hours = new Map<string, string>();
  private isChanged = false;
  private readonly log = new Logger('tokens');

  constructor(
    private readonly tokens: Tokens,
    private readonly clock: Clock,
    private readonly path: string | undefined,
  ) {
    this.load();
  }

  /** The begin of the hour, undefined for a token that was not used here. */
  lastUseOf(tokenId: string): string | undefined {
    return this.hours.get(tokenId);
  }

  /** Notes what was used up to now. */
  note(): void {
    const hour = toTimeText(Math.floor(this.clock.now() / MS_PER_HOUR) * MS_PER_HOUR);
    for (const tokenId of this.tokens.takeUses()) {
      if (this.hours.get(tokenId) === hour) continue;
      this.hours.set(tokenId, hour);
      this.isChanged = true;
    }
  }

  async save(): Promise<void> {
    this.note();
    if (this.path === undefined || !this.isChanged) return;
    for (const tokenId of this.hours.keys()) {
      if (this.tokens.table.find(tokenId) === undefined) this.hours.delete(tokenId);
    }
    this.isChanged = false;
    try {
      await replacePrivateFile(this.path, JSON.stringify(Object.fromEntries(this.hours)));
    } catch (error) {
      this.log.warn(`${this.path} cannot be written: ${reasonOf(error)}`);
    }
  }

  // It is for people to look at, and nothing is decided by it: what cannot be read is begun anew.
  private load(): void {
    if (this.path === undefined) return;
    try {
      const kept = JSON.parse(readFileSync(this.path, 'utf8')) as Readonly<Record<string, unknown>>;
      for (const [tokenId, hour] of Object.entries(kept)) if (isTime(hour)) this.hours.set(tokenId, hour);
    } catch (error) {
      if (!isMissing(error)) this.log.warn(`${this.path} cannot be read: ${reasonOf(error)}`);
    }
  }
}
