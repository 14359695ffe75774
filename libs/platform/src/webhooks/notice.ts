import { type NoticeKind, type Severity } from '@sluice/api';
import { type Commit, type Position } from '@sluice/event-sourcing';

/** Ids, and what there are few of. Never a device, and nothing that a person wrote: it may name one. */
export interface NoticeAbout {
  readonly rolloutId?: string;
  readonly wave?: number;
  readonly patchId?: string;
  readonly holdId?: string;
}

interface NoticeFields {
  /** Names the cause; the end of something has the id of its begin, with `:ended`. */
  readonly id: string;
  readonly kind: NoticeKind;
  /** Notices of one rollout or patch go out in order. */
  readonly key: string;
  readonly service: string;
  readonly severity: Severity;
  readonly about: NoticeAbout;
  readonly words: string;
  readonly command: string;
  /** Domain time, RFC 3339: when it began, or happened. */
  readonly since: string;
}

/** What receivers are told: that something happened, or began, or is over. */
export type Notice =
  | (NoticeFields & { readonly state: 'happened' | 'began' })
  | (NoticeFields & {
      readonly state: 'ended';
      readonly endedAt: string;
      /** The notice of its begin, and the position of the commit that it came from. */
      readonly ends: { readonly id: string; readonly position: Position };
    });

/** The notice that what began is over. */
export function ended(
  begun: Notice,
  { position, at, words }: { readonly position: Position; readonly at: string; readonly words: string },
): Notice {
  const { id } = begun;
  return { ...begun, id: `${id}:ended`, state: 'ended', endedAt: at, ends: { id, position }, words };
}

/** Who knows what is worth telling of the commits of some streams: one a service, in its `notices.ts`. */
export interface NoticeSource {
  readonly streams: readonly string[];
  noticesOf(commit: Commit): Promise<readonly Notice[]>;
}
