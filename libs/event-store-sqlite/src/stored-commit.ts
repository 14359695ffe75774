import { type Commit, type CommitBody, type CommitPage, type DomainEvent, toTimeText } from '@sluice/event-sourcing';
import { type Page, type StoredCommit } from './sqlite-pages.ts';

const decoder = new TextDecoder();

/** A commit as it was appended. Packed bytes are the same memory as in the stored one. */
export function toCommit(stored: StoredCommit): Commit {
  const { stream, revision, position, commitId, recordedAtMs, metadata } = stored;
  return {
    stream,
    revision,
    position: String(position),
    commitId,
    recordedAt: toTimeText(recordedAtMs),
    metadata,
    body: toBody(stored),
  };
}

/** A page of commits of all streams. */
export function toCommitPage({ commits, through = 0, next }: Page): CommitPage {
  return { commits: commits.map(toCommit), through: String(through), more: next !== undefined };
}

function toBody({ packedCount, body }: StoredCommit): CommitBody {
  if (packedCount !== undefined) return { kind: 'packed', bytes: body, count: packedCount };
  return { kind: 'events', events: JSON.parse(decoder.decode(body)) as DomainEvent[] };
}
